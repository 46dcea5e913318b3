/** What the conformance suite's parts work on: the store that is open, whichever engine's it is. */
import type { Change, Store } from '../../src/store/store.ts';

export interface Context {
  readonly store: Store;
  reopen(): Promise<void>;
  commit(...changes: Change[]): Promise<unknown[]>;
}
