/**
 * A message in a queue that the broker has touched, and the consumer that may hold it: the two know each other, so they are one
 * module. Everything durable about a message is in the store; this is what memory knows of it.
 */
import type { QueuedMessage, StoredMessage } from '../store/store.ts';
import type { HeapItem } from './heap.ts';

export class Entry implements HeapItem {
  readonly seq: number;
  readonly sharedBody: number;
  readonly id: string;
  /** Deliveries begun so far. */
  attempts: number;
  /** When it may be delivered, in ms since 1970; 0 when it never had to wait. Stays set once it was: see `Backlog`. */
  due: number;
  /** What is delivered. Let go of once it is sent and read back if it is needed again, so that messages in flight stay small. */
  message: StoredMessage | undefined;

  heapIndex = -1;
  /** Who holds it, while it is delivered and not settled. */
  holder: Consumer | undefined = undefined;
  /** Who held it before it vanished for less than its grace, and is to have it again. */
  keptFor: Consumer | undefined = undefined;
  /** When the holder's lease runs out, in ms since 1970; 0 when nobody holds it. */
  leaseEnd = 0;
  /** Neighbours in the queue's line of leases. */
  earlier: Entry | undefined = undefined;
  later: Entry | undefined = undefined;
  /** The next one with the same id that the same session holds from another queue. */
  sameId: Entry | undefined = undefined;

  constructor(seq: number, message: StoredMessage, sharedBody: number, due: number, attempts: number) {
    this.seq = seq;
    this.id = message.id;
    this.message = message;
    this.sharedBody = sharedBody;
    this.due = due;
    this.attempts = attempts;
  }

  /** `reach`: messages up to this seq may have been delivered by a run that crashed before it could say so. */
  static read(stored: QueuedMessage, reach: number): Entry {
    const attempts = stored.attempts === 0 && stored.seq <= reach ? 1 : stored.attempts;
    return new Entry(stored.seq, stored.message, stored.sharedBody, stored.due, attempts);
  }
}

export const bySeq = (a: Entry, b: Entry): boolean => a.seq < b.seq;
type Due = Pick<Entry, 'due' | 'seq'>;
export const byDue = (a: Due, b: Due): boolean => a.due < b.due || (a.due === b.due && a.seq < b.seq);

/** What a holder may ask of the queue that an entry came from. */
export interface HeldFrom {
  readonly name: string;
  /** Settles deliveries that are held; `settled` is called when that is durable. If nobody awaits that, it may take longer. */
  settle(entries: readonly Entry[], settled?: () => void): void;
  /** Gives a delivery back, to be delivered again after a delay (undefined: the queue's backoff). */
  giveBack(entry: Entry, delayMs: number | undefined, back: () => void): void;
  /** Gives back what a client held when it vanished: kept for it until `until` (ms since 1970), then anybody's. */
  reserve(entry: Entry, client: string, until: number): void;
  /** Lets the lease end `ms` from now. */
  extend(entry: Entry, ms: number): void;
  /** The consumer can take messages again, or its options have changed. */
  offer(consumer: Consumer): void;
  unsubscribe(consumer: Consumer): void;
}

/** The session that consumes. */
export interface Subscriber {
  readonly client: string;
  canTake(): boolean;
  hold(entry: Entry, message: StoredMessage, queue: string): void;
  letGo(entry: Entry): void;
}

export interface SubscriptionOptions {
  /** Deliveries that may be unacknowledged at a time. */
  readonly prefetch: number;
  /** A delivery is settled when it is sent. */
  readonly autoAck: boolean;
}

/** One subscription of one session to one queue: how much it may hold, and whether it can take more now. */
export class Consumer {
  readonly queue: HeldFrom;
  readonly session: Subscriber;
  options: SubscriptionOptions;
  /** Deliveries that were neither settled nor given back. */
  unacked = 0;
  /** It stands in the queue's line of consumers that can take a message. */
  waiting = false;
  ended = false;

  constructor(queue: HeldFrom, session: Subscriber, options: SubscriptionOptions) {
    this.queue = queue;
    this.session = session;
    this.options = options;
  }

  canTake(): boolean {
    return !this.ended && this.unacked < this.options.prefetch && this.session.canTake();
  }

  deliver(entry: Entry, message: StoredMessage): void {
    this.unacked++;
    entry.holder = this;
    this.session.hold(entry, message, this.queue.name);
  }

  /** A delivery is no longer in its client's hands. */
  release(entry: Entry): void {
    this.unacked--;
    this.session.letGo(entry);
    entry.holder = undefined;
  }
}
