/**
 * The broker's verbs, as protocol sessions use them. Nothing here knows a protocol, and a session knows nothing of what is behind
 * these interfaces: a verb may answer late, be refused with a `BrokerError` (then nothing has changed), or never answer, when the
 * process ends first. Whatever changes state answers when it is durable, not before.
 */
import type { QueueSettings, StoredMessage } from '../store/store.ts';
import type { BrokerError } from './errors.ts';

/** Receives what becomes of a verb. Called once, in a later turn or in this one. */
export type Reply<Result> = (result: Result | BrokerError) => void;

/** Returned by a verb that must be finished before the same session's next verb may begin. */
export type Wait = Promise<void> | undefined;

export interface PublishRequest {
  /** Exactly one of `queue` and `topics` is set. */
  readonly queue: string | undefined;
  readonly topics: readonly string[] | undefined;
  /** Bytes, one a character; see `ByteString`. */
  readonly body: string;
  readonly binary: boolean;
  /** A UUID in lower case; undefined to have one made. */
  readonly id: string | undefined;
  readonly headers: string | undefined;
  readonly delayMs: number;
  readonly replyTo: string | undefined;
  readonly correlation: string | undefined;
  /** Leaves out the publisher's own inbox, when published to topics. */
  readonly exceptSelf: boolean;
}

export interface Published {
  readonly id: string;
  /** How many queues it reached. */
  readonly queues: number;
  /** It was published before: nothing was stored now. */
  readonly duplicate: boolean;
}

export interface SubscribeRequest {
  /** At most one of the two is set; with neither, the inbox. */
  readonly queue: string | undefined;
  readonly topic: string | undefined;
  readonly prefetch: number;
  readonly autoAck: boolean;
}

export interface Subscribed {
  readonly queue: string;
  /** Messages in nobody's hands when the subscription began. */
  readonly waiting: number;
}

export interface HeldMessages {
  readonly ids: readonly string[];
  /** Undefined: every queue from which this session holds a message of that id. */
  readonly queue: string | undefined;
}

export interface Delivery {
  readonly queue: string;
  readonly attempt: number;
  readonly message: StoredMessage;
}

/** Where a session's deliveries go: a connection. */
export interface Outlet {
  /** It can take another delivery now. When it can again after it could not, it says so with `Session.resume`. */
  readonly writable: boolean;
  deliver(delivery: Delivery): void;
  /** A newer connection of the same client has taken over; the session has ended. */
  takenOver(): void;
}

export interface OpenRequest {
  readonly namespace: string;
  /** Undefined: a name is made up, and its inbox goes with the connection. */
  readonly client: string | undefined;
  /** How long what this client holds when it vanishes is kept for its return, in ms. */
  readonly graceMs: number;
}

export interface Opened {
  readonly session: Session;
  /** The client was here before: its inbox existed. */
  readonly resumed: boolean;
  readonly inbox: { readonly queue: string; readonly waiting: number; readonly unacked: number };
}

/** One client's connection, as the broker sees it. The verbs of one session are called one after the other. */
export interface Session {
  readonly client: string;
  readonly namespace: string;
  /** All of the messages or none. */
  publish(messages: readonly PublishRequest[], reply: Reply<readonly Published[]>): Wait;
  /**
   * Settles deliveries that this session holds; the count of them. If it is not awaited, the reply comes only when it is refused,
   * and until it is durable may take some ms longer.
   */
  ack(held: HeldMessages, reply: Reply<number>, awaited?: boolean): void;
  /** Gives deliveries back, to be delivered again after `delayMs` (undefined: the queue's backoff). */
  nack(held: HeldMessages, delayMs: number | undefined, reply: Reply<number>): void;
  /** Lets leases end `ms` from now. Memory only: leases do not outlive the broker. */
  extend(held: HeldMessages, ms: number, reply: Reply<number>): void;
  subscribe(request: SubscribeRequest): Promise<Subscribed>;
  unsubscribe(target: { readonly queue: string | undefined; readonly topic: string | undefined }): Promise<void>;
  /** Makes the queue or changes its settings; those left out stay. Returns the settings in force. */
  declare(queue: string, settings: Partial<QueueSettings>): Promise<QueueSettings>;
  bind(queue: string, filter: string): Promise<void>;
  unbind(queue: string, filter: string): Promise<void>;
  /** The outlet is writable again. */
  resume(): void;
  /** The connection is gone: all that it held is delivered again. */
  end(): void;
}

export interface Broker {
  /** Opens a client's session; a session that it has already is taken over. */
  open(request: OpenRequest, outlet: Outlet): Promise<Opened>;
  /** More is waiting to become durable than should: publishers are to wait until `onRelief` calls back. */
  readonly saturated: boolean;
  onRelief(relieved: () => void): void;
  /** Resolves when everything asked so far is durable and answered. */
  flushed(): Promise<void>;
  /** Finishes in good order: ends all sessions, makes all durable, closes the store. */
  close(): Promise<void>;
}
