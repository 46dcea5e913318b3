/** The client: publishes, subscribes, and goes on doing so across connections. Made by `connect`. */
import type { BrokerFrame, MessageReceived, WelcomeReceived } from '../protocol/native/decode-broker-frame.ts';
import { encodeBinary, encodeClientFrame } from '../protocol/native/encode-client-frame.ts';
import type { ClientFrame } from '../protocol/native/frame.ts';
import { DEFAULT_LIMITS } from '../protocol/native/limits.ts';
import { afterTurnScheduler } from './after-turn.ts';
import type { Body } from './body.ts';
import { type ConnectOptions, linkSettings, OUTSTANDING_BYTES_MAX, OUTSTANDING_MAX } from './connect-options.ts';
import { HoldfastError } from './holdfast-error.ts';
import { Link } from './link.ts';
import { MessageIds } from './message-id.ts';
import {
  encodePublication,
  type Publication,
  type Published,
  type PublishedMany,
  type PublishOptions,
  type PublishTarget,
} from './publication.ts';
import { PublishWindow } from './publish-window.ts';
import { type OutFrame, type ReplyFields, Requests } from './requests.ts';
import { type SubscribeOptions, type SubscribeTarget, Subscription } from './subscription.ts';

/** What happens to a client. */
export type Status =
  | { readonly type: 'connected'; readonly client: string; readonly resumed: boolean; readonly lost: WelcomeReceived['lost'] }
  /** The next attempt follows after `delayMs`. */
  | { readonly type: 'disconnected'; readonly error: HoldfastError; readonly delayMs: number }
  /** The broker says something that nobody asked for, such as `draining`. */
  | { readonly type: 'notice'; readonly code: string; readonly details: Readonly<Record<string, unknown>> }
  | { readonly type: 'closed'; readonly error: HoldfastError | undefined };

export interface QueueSettings {
  /** How long a consumer may hold a message, in ms. */
  readonly lease?: number;
  /** How long a message that came back waits, in ms: after its first delivery, its second … and the last one from then on. */
  readonly backoff?: readonly number[];
}

export interface DrainOptions {
  /** How long to wait for messages that loops have taken and not settled, in ms. Default 10,000. */
  readonly timeout?: number;
}

/** Under which the inbox's subscription is kept; no queue has this name. */
const INBOX = '@';
const DRAIN_TIMEOUT_MS = 10_000;

export class Client {
  /** Resolves when the client has ended: with what ended it, or with undefined after `close` or `drain`. Never rejects. */
  readonly closed: Promise<HoldfastError | undefined>;
  /** @internal Resolves with the first welcome. */
  readonly ready: Promise<void>;
  readonly #link: Link;
  readonly #requests: Requests;
  readonly #window: PublishWindow;
  readonly #ids = new MessageIds();
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #listeners = new Set<(status: Status) => void>();
  readonly #whenAnswered: (() => void)[] = [];
  readonly #begin: { readonly resolve: () => void; readonly reject: (error: HoldfastError) => void };
  readonly #finish: (error: HoldfastError | undefined) => void;
  #welcome: WelcomeReceived | undefined;
  #ended: HoldfastError | undefined;

  /** @internal */
  constructor(url: string, options: ConnectOptions) {
    const settings = linkSettings(url, options);
    const begin = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<HoldfastError | undefined>();
    this.ready = begin.promise;
    this.closed = finish.promise;
    this.#begin = begin;
    this.#finish = finish.resolve;
    this.#window = new PublishWindow(
      options.outstandingMax ?? OUTSTANDING_MAX,
      options.outstandingBytesMax ?? OUTSTANDING_BYTES_MAX,
    );
    this.#requests = new Requests(
      (frame) => this.#link.send(frame),
      () => this.#answered(),
    );
    const owner = {
      up: (welcome: WelcomeReceived) => this.#up(welcome),
      received: (frame: Exclude<BrokerFrame, WelcomeReceived>) => this.#received(frame),
      down: (error: HoldfastError, delayMs: number) => this.#down(error, delayMs),
      ended: (error: HoldfastError) => this.#end(error),
    };
    this.#link = new Link(settings, owner, afterTurnScheduler(), Math.random);
  }

  /** The client's name; one that the broker made up changes with the connection. */
  get name(): string {
    return this.#welcome?.client ?? '';
  }

  /** The queue that belongs to this client, to be given as `replyTo`. */
  get inbox(): string {
    return this.#welcome?.inbox.queue ?? '';
  }

  /** There is a connection at the moment. */
  get isConnected(): boolean {
    return this.#link.isUp;
  }

  /** Calls `listener` with whatever happens from now on. Returns what ends that. */
  onStatus(listener: (status: Status) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Publishes a message; resolves when it is on the broker's disk. When the connection breaks before the answer, it is sent again
   * with the same id on the next one: it is stored once, unless the broker was away for longer than its deduplication window.
   * Waits while `outstandingMax` messages are unanswered.
   * @throws {HoldfastError} `bad_field`, `too_large`, `forbidden`, `conflict` … as the broker says; what ended the client.
   */
  async publish(target: PublishTarget, body: Body, options: PublishOptions = {}): Promise<Published> {
    const { message, body: encoded } = encodePublication(target, body, options, this.#ids.next(), this.#limit('depth'));
    const ref = this.#requests.newRef();
    const line = encodeClientFrame({ type: 'publish', ref: String(ref), batch: false, messages: [message] });
    const frame = encoded.bytes === undefined ? line : encodeBinary(line, encoded.bytes);
    const { id, queues, duplicate } = await this.#publish(ref, frame, 1);
    return { id: String(id), queues: Number(queues), duplicate: duplicate === true };
  }

  /**
   * Publishes up to `batch-max` (1,000) messages together, all or none. Bodies of bytes are not possible here.
   * @throws {HoldfastError} as `publish` does; the message says which of them is meant.
   */
  async publishMany(publications: readonly Publication[]): Promise<PublishedMany> {
    if (publications.length === 0) return { ids: [], duplicates: [] };
    const depthMax = this.#limit('depth');
    const messages = publications.map((each, index) => {
      const { message } = encodePublication(each, each.body, each, this.#ids.next(), depthMax);
      if (message.binary) throw new HoldfastError('bad_field', `messages[${index}]: a body of bytes can only be published alone`);
      return message;
    });
    const ref = this.#requests.newRef();
    const frame = encodeClientFrame({ type: 'publish', ref: String(ref), batch: true, messages });
    const { ids, duplicates = [] } = await this.#publish(ref, frame, messages.length);
    return { ids: ids as string[], duplicates: duplicates as string[] };
  }

  /**
   * Consumes a queue, or the client's inbox, with topics bound to it or as it is:
   *
   *     for await (const message of client.subscribe({ queue: 'orders' })) {
   *       await handle(message.body);
   *       await message.ack();
   *     }
   *
   * It is established again on each new connection. A client has one subscription for a queue, and one for its inbox, which all
   * topics share: give several as `topic: [...]`, or `join` them later.
   * @throws {HoldfastError} `conflict` when there is one already. What the broker has against it rejects `ready` and ends the loop.
   */
  subscribe(target: SubscribeTarget, options: SubscribeOptions = {}): Subscription {
    if (this.#ended !== undefined) throw this.#ended;
    const key = this.#keyOf(target.queue);
    if (this.#subscriptions.has(key)) {
      const what =
        key === INBOX
          ? 'its inbox, which all topics share: give all of them as topic: […], or join() them later'
          : `${key}: await its stop() first`;
      throw new HoldfastError('conflict', `this client has a subscription already for ${what}`);
    }
    const subscription = new Subscription(
      {
        request: (frame, repeat) => this.#request(frame, repeat),
        retry: (error) => this.#link.abandon(error),
        stopped: (stopped) => void (this.#subscriptions.get(key) === stopped && this.#subscriptions.delete(key)),
        batchMax: () => this.#limit('batch'),
      },
      target,
      options,
    );
    this.#subscriptions.set(key, subscription);
    if (this.isConnected) void subscription.establish();
    return subscription;
  }

  /** Makes a queue, or changes the settings that are given. Resolves with those in force. */
  async declare(queue: string, { lease, backoff }: QueueSettings = {}): Promise<Required<QueueSettings>> {
    const settings = await this.#request({ type: 'declare', ref: undefined, queue, leaseMs: lease, backoffMs: backoff }, true);
    return { lease: Number(settings['lease']), backoff: settings['backoff'] as readonly number[] };
  }

  /** Lets everything that is published to topics that match `topic` (`*` one word, `#` any number of words) go to the queue as well, durably. */
  async bind(queue: string, topic: string): Promise<void> {
    await this.#request({ type: 'bind', ref: undefined, queue, topic }, true);
  }

  async unbind(queue: string, topic: string): Promise<void> {
    await this.#request({ type: 'unbind', ref: undefined, queue, topic }, true);
  }

  /**
   * Ends in good order: stops all subscriptions, waits until what their loops have taken is settled (for `timeout` ms at most) and
   * everything sent is answered, then closes. Without a connection it waits for the next one, to send what is unanswered.
   */
  async drain({ timeout = DRAIN_TIMEOUT_MS }: DrainOptions = {}): Promise<void> {
    const subscriptions = [...this.#subscriptions.values()];
    await Promise.all(subscriptions.map((subscription) => subscription.stop()));
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeout);
    await Promise.race([late, this.closed, Promise.all(subscriptions.map((subscription) => subscription.quiet()))]);
    clearTimeout(timer);
    if (this.#requests.size > 0) await new Promise<void>((answered) => this.#whenAnswered.push(answered));
    await this.close();
  }

  /** Closes at once: what is unanswered is refused with `closed`, loops end. */
  async close(): Promise<void> {
    this.#link.close(new HoldfastError('closed', 'the client was closed'));
    await this.closed;
  }

  #publish(ref: number, frame: OutFrame, messages: number): Promise<ReplyFields> {
    const tooLarge = this.#refusal(frame);
    if (tooLarge !== undefined) return Promise.reject(tooLarge);
    const bytes = frame.length;
    return new Promise((resolve, reject) => {
      const admitted = (): void => {
        const answer = this.#requests.send(ref, frame, true);
        // before the caller goes on, so that what waited already keeps its place
        answer.then(
          () => this.#window.give(messages, bytes),
          () => this.#window.give(messages, bytes),
        );
        resolve(answer);
      };
      this.#window.take(messages, bytes, admitted, reject);
    });
  }

  #request(frame: ClientFrame, repeat: boolean): Promise<ReplyFields> {
    const ref = this.#requests.newRef();
    return this.#requests.send(ref, encodeClientFrame({ ...frame, ref: String(ref) }), repeat);
  }

  /** Refused here, since the broker would end the connection for it. */
  #refusal(frame: OutFrame): HoldfastError | undefined {
    const max = this.#limit('frame');
    // three bytes a character at most: only what comes near the limit is counted
    if (typeof frame === 'string' && frame.length * 3 <= max) return undefined;
    const bytes = typeof frame === 'string' ? new TextEncoder().encode(frame).length : frame.length;
    if (bytes <= max) return undefined;
    return new HoldfastError('too_large', `the frame has ${bytes} bytes; the broker's limit frame-max is ${max}`);
  }

  #limit(name: keyof typeof LIMITS): number {
    return this.#welcome?.limits[name] ?? LIMITS[name];
  }

  #keyOf(queue: string | undefined): string {
    return queue === undefined || queue === this.inbox ? INBOX : queue;
  }

  #up(welcome: WelcomeReceived): void {
    this.#welcome = welcome;
    for (const subscription of this.#subscriptions.values()) void subscription.establish();
    this.#requests.repeat((frame) => this.#refusal(frame));
    this.#begin.resolve();
    const { client, resumed, lost } = welcome;
    this.#tell({ type: 'connected', client, resumed, lost });
  }

  #received(frame: Exclude<BrokerFrame, WelcomeReceived>): void {
    switch (frame.type) {
      case 'message':
        return this.#deliver(frame);
      case 'ok':
        return this.#requests.ok(frame);
      case 'error':
        this.#requests.error(frame);
        return;
      case 'notice':
        return this.#tell({ type: 'notice', code: frame.code, details: frame.details });
      case 'pong':
        return;
      default:
        frame satisfies never;
    }
  }

  #deliver(message: MessageReceived): void {
    const subscription = this.#subscriptions.get(this.#keyOf(message.queue));
    if (subscription !== undefined) subscription.received(message);
  }

  #down(error: HoldfastError, delayMs: number): void {
    for (const subscription of this.#subscriptions.values()) subscription.disconnected();
    this.#requests.disconnected();
    this.#tell({ type: 'disconnected', error, delayMs });
  }

  #end(error: HoldfastError): void {
    this.#ended = error;
    const meant = error.code === 'closed' ? undefined : error;
    this.#requests.fail(error);
    this.#window.fail(error);
    for (const subscription of this.#subscriptions.values()) subscription.fail(error);
    this.#begin.reject(error);
    this.#finish(meant);
    this.#tell({ type: 'closed', error: meant });
  }

  #answered(): void {
    for (const resolve of this.#whenAnswered.splice(0)) resolve();
  }

  #tell(status: Status): void {
    for (const listener of this.#listeners) listener(status);
  }
}

/** What the broker takes, by its names in `welcome`, where it does not say. */
const LIMITS = { frame: DEFAULT_LIMITS.frameBytesMax, batch: DEFAULT_LIMITS.batchMax, depth: DEFAULT_LIMITS.depthMax } as const;
