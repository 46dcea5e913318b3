/**
 * The messages of one queue, one after the other: what was delivered and not yet asked for, and what is in the consumer's hands.
 * Both together are at most `prefetch`, as the broker sends no more before something is settled.
 */
import type { MessageReceived } from '../protocol/native/decode-broker-frame.ts';
import type { AckFrame, ExtendFrame, NackFrame, SubscribeFrame, UnsubscribeFrame } from '../protocol/native/frame.ts';
import { asHoldfastError, HoldfastError } from './holdfast-error.ts';
import { Message, type Settler, type SettlingVerb } from './message.ts';
import type { ReplyFields } from './requests.ts';

/** A queue; the client's own inbox with these topics bound to it; or with neither, the inbox as it is. */
export type SubscribeTarget =
  | { readonly queue: string; readonly topic?: never }
  | { readonly topic: string | readonly string[]; readonly queue?: never }
  | { readonly queue?: never; readonly topic?: never };

export interface SubscribeOptions {
  /** Deliveries that may be unsettled at a time, waiting in the client included: 1 to the broker's `prefetch-max`. Default 100. */
  readonly prefetch?: number;
  /** Acknowledge each message when the loop takes it, before it is handled: one that is being handled when the program ends is lost. */
  readonly autoAck?: boolean;
}

export interface Subscribed {
  /** The queue that is consumed: for topics the client's inbox. */
  readonly queue: string;
  /** Messages in nobody's hands when the subscription began. */
  readonly waiting: number;
}

type SubscriptionFrame = SubscribeFrame | UnsubscribeFrame | AckFrame | NackFrame | ExtendFrame;

/** What a subscription needs of its client. */
export interface SubscriptionOwner {
  /** Sends a frame with a ref and resolves with its reply. One that must not be repeated fails when the connection does. */
  request(frame: SubscriptionFrame, repeat: boolean): Promise<ReplyFields>;
  /** Members of `ids` in one frame. */
  batchMax(): number;
  /** The subscription can not be established again on this connection; another may do. */
  retry(error: HoldfastError): void;
  stopped(subscription: Subscription): void;
}

interface Taker {
  readonly resolve: (result: IteratorResult<Message, undefined>) => void;
  readonly reject: (error: HoldfastError) => void;
}

const PREFETCH = 100;

export class Subscription implements AsyncIterableIterator<Message, undefined>, Settler {
  /** Resolves when the broker has taken the subscription; rejects with what it says against it. */
  readonly ready: Promise<Subscribed>;
  readonly #owner: SubscriptionOwner;
  readonly #queue: string | undefined;
  readonly #topics: Set<string>;
  readonly #prefetch: number;
  readonly #autoAck: boolean;
  /** Delivered and not yet taken by the loop, by message id, oldest first. */
  readonly #buffer = new Map<string, Message>();
  /** Taken by the loop and not yet settled. */
  readonly #held = new Map<string, Message>();
  readonly #takers: Taker[] = [];
  readonly #whenQuiet: (() => void)[] = [];
  readonly #becameReady: { readonly resolve: (subscribed: Subscribed) => void; readonly reject: (error: HoldfastError) => void };
  #wasReady = false;
  #stopping: Promise<void> | undefined;
  #failure: HoldfastError | undefined;

  /** Made by `client.subscribe`. */
  constructor(owner: SubscriptionOwner, target: SubscribeTarget, { prefetch = PREFETCH, autoAck = false }: SubscribeOptions) {
    this.#owner = owner;
    this.#queue = target.queue;
    this.#topics = new Set(typeof target.topic === 'string' ? [target.topic] : target.topic);
    this.#prefetch = prefetch;
    this.#autoAck = autoAck;
    const { promise, resolve, reject } = Promise.withResolvers<Subscribed>();
    this.ready = promise;
    this.#becameReady = { resolve, reject };
    // whoever only loops hears of it there
    promise.catch(() => undefined);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** @throws {HoldfastError} what ended the client, or what the broker said against the subscription. */
  next(): Promise<IteratorResult<Message, undefined>> {
    const [entry] = this.#stopping === undefined ? this.#buffer : [];
    if (entry !== undefined) {
      this.#buffer.delete(entry[0]);
      return Promise.resolve({ done: false, value: this.#handOut(entry[1]) });
    }
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#stopping !== undefined) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => this.#takers.push({ resolve, reject }));
  }

  /** Called when a `for await` loop is left: the same as `stop`. */
  async return(): Promise<IteratorResult<Message, undefined>> {
    await this.stop();
    return { done: true, value: undefined };
  }

  /**
   * Ends the consumption: what the loop has not taken goes back to the queue, what it has taken can still be settled. Topics stay
   * bound to the inbox, which goes on filling; `leave` ends that.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /**
   * Binds another topic to the inbox, durably: from then on the client misses nothing on it, connected or not.
   * @throws {HoldfastError} what the broker says against it.
   */
  async join(topic: string): Promise<void> {
    this.#needInbox();
    await this.#owner.request(this.#subscribeFrame(topic), true);
    this.#topics.add(topic);
  }

  /** Unbinds a topic from the inbox. What has come from it already stays. */
  async leave(topic: string): Promise<void> {
    this.#needInbox();
    this.#topics.delete(topic);
    await this.#owner.request({ type: 'unsubscribe', ref: undefined, queue: undefined, topic }, true);
  }

  /** @internal Subscribes on the connection that there is now. */
  async establish(): Promise<void> {
    try {
      const topics = this.#topics.size === 0 ? [undefined] : [...this.#topics];
      const [reply] = await Promise.all(topics.map((topic) => this.#owner.request(this.#subscribeFrame(topic), false)));
      this.#wasReady = true;
      this.#becameReady.resolve({ queue: String(reply?.['queue']), waiting: Number(reply?.['waiting']) });
    } catch (thrown) {
      const error = asHoldfastError(thrown, 'unavailable');
      if (error.code === 'connection_lost') return;
      if (error.retryable && this.#wasReady) this.#owner.retry(error);
      else this.fail(error);
    }
  }

  /** @internal */
  received(received: MessageReceived): void {
    const message = new Message(received, this);
    // a second delivery to the same connection: the lease of the first one ran out
    this.#letGo(message.id);
    const taker = this.#stopping === undefined ? this.#takers.shift() : undefined;
    if (taker !== undefined) {
      taker.resolve({ done: false, value: this.#handOut(message) });
      return;
    }
    this.#buffer.set(message.id, message);
    if (this.#buffer.size <= this.#prefetch) return;
    // more than may be unsettled: the oldest ones are held by others by now
    const [oldest] = this.#buffer.keys();
    if (oldest !== undefined) this.#buffer.delete(oldest);
  }

  /** @internal The connection is gone, and all that was delivered on it is delivered again. */
  disconnected(): void {
    this.#buffer.clear();
    this.#held.clear();
    this.#quiet();
  }

  /** @internal Ends it for good: with an error, or without one when the client was closed on purpose. */
  fail(error: HoldfastError): void {
    this.disconnected();
    this.#becameReady.reject(error);
    if (error.code !== 'closed') this.#failure ??= error;
    this.#stopping ??= Promise.resolve();
    for (const { resolve, reject } of this.#takers.splice(0)) {
      if (this.#failure === undefined) resolve({ done: true, value: undefined });
      else reject(this.#failure);
    }
    this.#owner.stopped(this);
  }

  /** @internal Resolves when the loop has settled all that it has taken. */
  quiet(): Promise<void> {
    if (this.#held.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenQuiet.push(resolve));
  }

  /** @internal */
  async settle(message: Message, verb: SettlingVerb): Promise<boolean> {
    const { id, queue } = message;
    if (this.#held.get(id) !== message) return false;
    const held = { ref: undefined, ids: [id], queue };
    if (verb.type === 'extend') {
      await this.#owner.request({ ...held, type: 'extend', ms: verb.ms }, false);
      return true;
    }
    try {
      if (verb.type === 'ack') await this.#owner.request({ ...held, type: 'ack' }, false);
      else await this.#owner.request({ ...held, type: 'nack', delayMs: verb.delayMs }, false);
    } finally {
      if (this.#held.get(id) === message) this.#letGo(id);
    }
    return true;
  }

  async #stop(): Promise<void> {
    for (const { resolve } of this.#takers.splice(0)) resolve({ done: true, value: undefined });
    try {
      await this.#owner.request({ type: 'unsubscribe', ref: undefined, queue: this.#queue, topic: undefined }, false);
      await this.#giveBack();
    } catch (error) {
      // without a connection there is nothing to stop, and nothing to give back
      if (!(error instanceof HoldfastError)) throw error;
    }
    this.#becameReady.reject(new HoldfastError('closed', 'the subscription was stopped'));
    this.#owner.stopped(this);
  }

  async #giveBack(): Promise<void> {
    const batchMax = this.#owner.batchMax();
    const messages = [...this.#buffer.values()];
    this.#buffer.clear();
    const queue = messages[0]?.queue;
    for (let start = 0; start < messages.length; start += batchMax) {
      const ids = messages.slice(start, start + batchMax).map(({ id }) => id);
      await this.#owner.request({ type: 'nack', ref: undefined, ids, queue, delayMs: 0 }, false);
    }
  }

  #subscribeFrame(topic: string | undefined): SubscribeFrame {
    // always settled by the client, as only that keeps a quick queue from filling the memory of a slow loop
    return { type: 'subscribe', ref: undefined, queue: this.#queue, topic, prefetch: this.#prefetch, autoAck: false };
  }

  #handOut(message: Message): Message {
    this.#held.set(message.id, message);
    if (this.#held.size > this.#prefetch) {
      const [oldest] = this.#held.keys();
      if (oldest !== undefined) this.#letGo(oldest);
    }
    if (this.#autoAck) void message.ack();
    return message;
  }

  #letGo(id: string): void {
    if (this.#held.delete(id)) this.#quiet();
  }

  #quiet(): void {
    if (this.#held.size === 0) for (const resolve of this.#whenQuiet.splice(0)) resolve();
  }

  #needInbox(): void {
    if (this.#queue !== undefined)
      throw new HoldfastError(
        'bad_field',
        `topics are bound to the inbox; this subscription consumes ${this.#queue}: use client.bind`,
      );
  }
}
