/**
 * The store's port: what the broker needs of a durable engine, in the broker's words.
 *
 * The broker decides, the store remembers. A batch of changes is atomic and durable when `commit` resolves; a batch that fails
 * ends the process, so no engine needs to undo anything. All calls take effect in the order in which they were made, and answer
 * in that order: a read sees exactly the commits made before it, and its answer arrives before the answer of any later commit.
 * The broker relies on this to know which messages a read can have seen.
 *
 * Must never hold an engine's words (no SQL, no files).
 */

/** Bytes carried as a string with one character a byte (ISO 8859-1), so that they are never decoded on their way through. */
export type ByteString = string;

/** A message as it was published. Immutable, shared by every queue that it reached. */
export interface StoredMessage {
  /** A UUID in lower case, 36 characters. */
  readonly id: string;
  /** When the broker accepted it, in ms since 1970. */
  readonly time: number;
  /** JSON text (UTF-8 bytes), or any bytes when `attributes.binary` is set. */
  readonly body: ByteString;
  readonly attributes: MessageAttributes | undefined;
}

/** What a message may carry beside its body. An absent member was not set. */
export interface MessageAttributes {
  /** The body is bytes and not JSON text. */
  readonly binary?: true;
  readonly topic?: string;
  /** Name of the client that published it. */
  readonly from?: string;
  /** JSON text (UTF-8 bytes) of an object, exactly as its publisher wrote it. */
  readonly headers?: ByteString;
  readonly replyTo?: string;
  /** JSON text (UTF-8 bytes) of a string, exactly as its publisher wrote it. */
  readonly correlation?: ByteString;
}

/** A message's place in one queue. */
export interface Placement {
  readonly queue: number;
  /** Position in the queue. Unique over the whole broker: numbers rise and are never used twice, also across restarts. */
  readonly seq: number;
}

/** One message and all the queues that it goes to. A body with more than one placement is stored once. */
export interface Publication {
  readonly message: StoredMessage;
  readonly placements: readonly Placement[];
  /** Not to be delivered before this time, in ms since 1970; 0 for at once. */
  readonly due: number;
  /** Set when the publisher gave the id: the id is then remembered, and a second publication of it stores nothing. */
  readonly guard?: DuplicateGuard;
}

/** Detects that an id was published before (RabbitMQ, JetStream and SQS call it message deduplication). */
export interface DuplicateGuard {
  readonly namespace: string;
  /** Where the publisher sent it, as text. An id that comes again with another destination, headers or body is a conflict. */
  readonly destination: string;
  /** Publications of the id accepted before this time, in ms since 1970, are forgotten. */
  readonly since: number;
}

export interface QueueSettings {
  /** How long a delivery may stay unacknowledged before it is delivered again, in ms. */
  readonly leaseMs: number;
  /** Delay before the 2nd, 3rd … delivery after a nack without a delay, in ms; the last one repeats. Empty: at once. */
  readonly backoffMs: readonly number[];
}

/** Counts of a queue's whole life. Always: accepted = acknowledged + what is in the queue now. */
export interface QueueLedger {
  readonly accepted: number;
  readonly acknowledged: number;
}

export interface QueueRecord {
  readonly id: number;
  readonly namespace: string;
  readonly name: string;
  readonly settings: QueueSettings;
  /** Goes when its owner's connection ends, and with the broker: the inbox of a client with a made-up name. */
  readonly transient: boolean;
  readonly ledger: QueueLedger;
  /** Messages up to this seq may have been delivered in a run of the broker that crashed. */
  readonly reach: number;
}

/** A message in its queue, as a read returns it. */
export interface QueuedMessage {
  readonly seq: number;
  /** Deliveries that are known to have ended without an acknowledgement. */
  readonly attempts: number;
  /** Not to be delivered before this time, in ms since 1970; 0 for at once. */
  readonly due: number;
  /** Identifies a body stored once for several queues; 0 when the body is stored with the message. */
  readonly sharedBody: number;
  readonly message: StoredMessage;
}

/** One thing to be remembered. Changes of a batch are applied in order. */
export type Change =
  | { readonly kind: 'publish'; readonly publications: readonly Publication[] }
  | { readonly kind: 'settle'; readonly queue: number; readonly messages: readonly SettledMessage[] }
  | { readonly kind: 'return'; readonly queue: number; readonly seq: number; readonly attempts: number; readonly due: number }
  | { readonly kind: 'reach'; readonly queue: number; readonly seq: number }
  | { readonly kind: 'create'; readonly queue: QueueRecord }
  | { readonly kind: 'configure'; readonly queue: number; readonly settings: QueueSettings }
  /** Removes a queue with its bindings at once, and its messages bit by bit. Nothing may be published to it any more. */
  | { readonly kind: 'remove'; readonly queue: number }
  | { readonly kind: 'bind'; readonly namespace: string; readonly queue: number; readonly filter: string }
  | { readonly kind: 'unbind'; readonly queue: number; readonly filter: string }
  /** No seq from here on was used by an earlier run. */
  | { readonly kind: 'reserve'; readonly seq: number };

export interface SettledMessage {
  readonly seq: number;
  /** As `QueuedMessage.sharedBody`, or for a message that was never read back, as `sharedBodyOf` says. */
  readonly sharedBody: number;
}

/**
 * What became of a `publish` change, by its index in the batch; one that is not listed was stored whole.
 * `duplicates`: the publications (by index) that were published before; the others of the change were stored.
 * `conflict`: that publication's id was published before with other content; nothing of the change was stored.
 */
export type PublishVerdict =
  | { readonly kind: 'duplicates'; readonly publications: ReadonlyMap<number, Duplicate> }
  | { readonly kind: 'conflict'; readonly publication: number };

export interface Duplicate {
  /** How many queues the first publication reached. */
  readonly queues: number;
}

export type CommitReport = ReadonlyMap<number, PublishVerdict>;

/** What the broker must know at its start. */
export interface Recovered {
  /** The first seq that no earlier run can have used. */
  readonly seq: number;
  /** The first queue id that was never used. */
  readonly queue: number;
}

/** Which messages of a queue to read. Every answer is in the order that is named here. */
export type Selection =
  /** Those without a due time after this seq, by seq. */
  | { readonly kind: 'after'; readonly seq: number }
  /** Those with a due time after this one (then seq), by due time, then seq. Their bodies come along. */
  | { readonly kind: 'due'; readonly due: number; readonly seq: number }
  /** Just these, by seq; the ones that are not there are left out. */
  | { readonly kind: 'these'; readonly seqs: readonly number[] };

export interface ReadLimits {
  readonly messagesMax: number;
  /** Stops after the message with which the sum of bodies is above this; at least one message is returned. */
  readonly bytesMax: number;
}

export interface ReadResult {
  readonly messages: readonly QueuedMessage[];
  /** The limits were reached by what is returned: more may follow after the last one. Never with none. */
  readonly more: boolean;
}

export interface BoundQueue {
  readonly queue: number;
  readonly filter: string;
}

export interface Store {
  recover(): Promise<Recovered>;
  /** Applies the whole batch, atomically and durably (on disk, not in a cache). Rejects only when the store can't go on. */
  commit(changes: readonly Change[]): Promise<CommitReport>;
  /** The queue of that name, as of the commits made so far. */
  find(namespace: string, name: string): Promise<QueueRecord | undefined>;
  /** Every binding whose filter matches the topic. */
  match(namespace: string, topic: string): Promise<readonly BoundQueue[]>;
  read(queue: number, selection: Selection, limits: ReadLimits): Promise<ReadResult>;
  /** Finishes what was asked before, then lets go of everything; after a failure there is only that to do. */
  close(): Promise<void>;
}

/**
 * The number under which a publication's body is stored when it goes to several queues: its first seq, which is as unique
 * and known to both sides without asking. 0 when it goes to one queue.
 */
export function sharedBodyOf(publication: Publication): number {
  return publication.placements.length > 1 ? (publication.placements[0]?.seq ?? 0) : 0;
}
