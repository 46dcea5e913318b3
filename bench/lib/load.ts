/** What a driver process does in one run. A file each in `loads/`, named in `loads/index.ts`. */
import type { Protocol } from './protocol.ts';

/** `params` come as JSON. The load throws if it can't be done; it says itself what it did, in the unit that its scenario shows. */
export type Load<Params> = (protocol: Protocol, params: Params, marks: Marks) => Promise<LoadResult>;

/**
 * Tells the bench, which waits with the server's figures at hand, how far the load is. Whoever awaits the promise goes on when
 * the bench has read them.
 */
export interface Marks {
  /** All is prepared: costs count from here on. A load that never says so counts from its start. */
  begin(): Promise<void>;
  /** A point that the scenario wants to know of, by its name. */
  reached(point: string): Promise<void>;
}

export interface LoadResult {
  readonly value: number;
  /** What was done, as the costs are divided. */
  readonly messages: number;
  /** Further figures, by name with unit: `p99 ms`. */
  readonly details?: Readonly<Record<string, number>>;
}
