/** What the broker's parts share: handed to each, made once. */
import type { QueueSettings, Store } from '../store/store.ts';
import type { Clock } from './clock.ts';
import type { Deadlines } from './deadlines.ts';
import type { Journal } from './journal.ts';
import type { MessageIds } from './message-ids.ts';
import type { Reads } from './reads.ts';

export interface BrokerLimits {
  /** Messages that one queue keeps ready in memory. */
  readonly readyMessagesMax: number;
  /** Bytes of bodies that one queue keeps ready in memory. */
  readonly readyBytesMax: number;
  /** The same for all queues together; past it each keeps only a sixteenth of its own share. */
  readonly readyTotalBytesMax: number;
  /** Deliveries that one connection may hold. */
  readonly unackedMax: number;
  /** Subscriptions of one connection. */
  readonly subscriptionsMax: number;
  /** Queues in memory, from which on idle ones leave at once. */
  readonly queuesLoadedMax: number;
  /** Bindings of topics kept in memory. */
  readonly routesMax: number;
}

export interface Core {
  readonly store: Store;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly journal: Journal;
  readonly reads: Reads;
  readonly limits: BrokerLimits;
  readonly defaults: QueueSettings;
  /** Publications of an id within this time of the first one are duplicates, in ms. */
  readonly dedupWindowMs: number;
  /** A queue that nobody used for this long leaves memory, in ms. */
  readonly idleUnloadMs: number;
  readonly ids: MessageIds;
  readonly memory: ReadyMemory;
  /** Room for what is published. */
  readonly space: Space;
  /** The next place in any queue. */
  nextSeq(): number;
  /** Queues with something new to deliver: served when the commit that brought it has been told to all. */
  touched(queue: Dispatching): void;
}

/** A queue, as far as the one who serves it after a commit needs to know. */
export interface Dispatching {
  /** It stands in the list of queues to serve after this commit. */
  isTouched: boolean;
  /** Gives what is ready to who can take it. */
  dispatch(): void;
}

/** What is left of the disk. */
export interface Space {
  /** Too little to take more in; enough to write down what is acknowledged. */
  readonly isLow: boolean;
}

/** Bytes of bodies kept ready in memory by all queues. */
export class ReadyMemory {
  bytes = 0;
}
