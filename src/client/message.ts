/** One delivery of one message, and what its consumer may do with it. */
import type { MessageReceived } from '../protocol/native/decode-broker-frame.ts';
import { HoldfastError } from './holdfast-error.ts';

/** What settles deliveries: a subscription. */
export interface Settler {
  /** Resolves with whether the delivery was still ours, so that it happened. */
  settle(message: Message, verb: SettlingVerb): Promise<boolean>;
}

export type SettlingVerb =
  | { readonly type: 'ack' }
  | { readonly type: 'nack'; readonly delayMs: number | undefined }
  | { readonly type: 'extend'; readonly ms: number };

export class Message {
  /** The queue it was delivered from. */
  readonly queue: string;
  /** A UUID; the same in every delivery of the message. */
  readonly id: string;
  /** 1 the first time. */
  readonly attempt: number;
  /** When the broker took it, in ms since 1970. */
  readonly time: number;
  /** The topic it was published to, if it was. */
  readonly topic: string | undefined;
  /** The client that published it, if it has a name. */
  readonly from: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** The queue that an answer should go to. */
  readonly replyTo: string | undefined;
  readonly correlation: string | undefined;
  readonly #body: string | Uint8Array;
  readonly #settler: Settler;
  #settled = false;

  constructor(received: MessageReceived, settler: Settler) {
    this.queue = received.queue;
    this.id = received.id;
    this.attempt = received.attempt;
    this.time = received.time;
    this.topic = received.topic;
    this.from = received.from;
    this.headers = received.headers ?? {};
    this.replyTo = received.replyTo;
    this.correlation = received.correlation;
    this.#body = received.body;
    this.#settler = settler;
  }

  /** The body was published as bytes. */
  get isBinary(): boolean {
    return typeof this.#body !== 'string';
  }

  /** The body's value: parsed anew each time, so keep it. A body of bytes is its bytes. Integers beyond 2^53 are rounded; see `text`. */
  get body(): unknown {
    return typeof this.#body === 'string' ? (JSON.parse(this.#body) as unknown) : this.#body;
  }

  /** The body's JSON text exactly as its publisher wrote it; a body of bytes is read as UTF-8. */
  get text(): string {
    return typeof this.#body === 'string' ? this.#body : new TextDecoder().decode(this.#body);
  }

  /** The body's bytes; of a JSON body its text in UTF-8. */
  get bytes(): Uint8Array {
    return typeof this.#body === 'string' ? new TextEncoder().encode(this.#body) : this.#body;
  }

  /**
   * Settles the message: it is done, and is not delivered again from this queue. Resolves when that is on disk, with true; with
   * false when the delivery was no longer ours (its lease ran out, or the connection broke): then it is delivered again, or was.
   * Need not be awaited.
   * @throws {HoldfastError} `closed` and other codes that end the client; `unavailable`.
   */
  ack(): Promise<boolean> {
    return this.#settle({ type: 'ack' });
  }

  /**
   * Gives the message back, to be delivered again: after `delay` ms, else when the queue's backoff says.
   * Resolves and throws as `ack` does.
   */
  nack({ delay }: { readonly delay?: number } = {}): Promise<boolean> {
    return this.#settle({ type: 'nack', delayMs: delay });
  }

  /** Lets the lease end `ms` from now. Resolves and throws as `ack` does. */
  extend(ms: number): Promise<boolean> {
    return this.#settled ? Promise.resolve(false) : handled(this.#settler.settle(this, { type: 'extend', ms }));
  }

  #settle(verb: SettlingVerb): Promise<boolean> {
    if (this.#settled) return Promise.resolve(false);
    this.#settled = true;
    return handled(this.#settler.settle(this, verb));
  }
}

/** An ack that nobody awaits must not end the program when it fails. */
function handled(promise: Promise<boolean>): Promise<boolean> {
  const answer = promise.catch((error: unknown) => {
    if (error instanceof HoldfastError && (error.code === 'not_held' || error.code === 'connection_lost')) return false;
    throw error;
  });
  answer.catch(() => undefined);
  return answer;
}
