/**
 * The native protocol on one connection: frame → verb of the broker, and delivery → frame. One small method a verb, all of one
 * shape: ask whether it is allowed, call, reply. Frames are handled in the order in which they came.
 */
import { isUtf8 } from 'node:buffer';
import type { Broker, Delivery, Opened, Outlet, Published, Reply, Session, Wait } from '../broker/broker.ts';
import { BrokerError, CLOSE, closeCodeOf, type ErrorCode, isRetryable } from '../broker/errors.ts';
import type { Decoded, FrameDecoder } from '../protocol/native/decode.ts';
import { encodeError, encodeMessage, encodeNotice, encodeOk, encodePong, encodeWelcome } from '../protocol/native/encode.ts';
import {
  type AckFrame,
  type BindFrame,
  type ClientFrame,
  type DeclareFrame,
  type ExtendFrame,
  FrameError,
  type HelloFrame,
  type NackFrame,
  type PublishFrame,
  type SubscribeFrame,
  type UnbindFrame,
  type UnsubscribeFrame,
} from '../protocol/native/frame.ts';
import type { Authority, Identity, Resource, Verb } from './auth/authority.ts';
import { type Connection, type ConnectionHandler, PAUSE } from './connection.ts';

export interface NativeSessionOptions {
  readonly broker: Broker;
  readonly authority: Authority;
  readonly decoder: FrameDecoder;
  readonly namespace: string;
  /** The name that the URL gave, if it did. */
  readonly client: string | undefined;
  /** The grace that the URL gave. `hello` may give another. */
  readonly graceMs: number;
  /** Who the handshake showed the client to be; undefined when `hello` must. */
  readonly identity: Identity | undefined;
  readonly helloBytesMax: number;
  /** What `welcome` says about the broker. */
  readonly server: { readonly name: string; readonly version: string };
  readonly limits: Readonly<Record<string, number>>;
  readonly closed: (code: number) => void;
}

type VerbFrame = Exclude<ClientFrame, HelloFrame>;
type VerbTable = {
  readonly [Type in VerbFrame['type']]: (session: NativeSession, frame: Extract<VerbFrame, { type: Type }>) => Wait;
};

const NEWLINE = 0x0a;

export class NativeSession implements ConnectionHandler, Outlet {
  readonly #connection: Connection;
  readonly #options: NativeSessionOptions;
  #identity: Identity | undefined;
  #session: Session | undefined;
  /** Frames that wait for one that must be finished first. */
  #waiting: Decoded[] = [];
  #busy = false;
  #draining = false;
  #saturated = false;
  #closed = false;

  constructor(connection: Connection, options: NativeSessionOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#identity = options.identity;
    connection.handle(this);
  }

  /** Opens at once when the URL named the client and nothing more is needed to let it in. */
  begin(): void {
    if (this.#options.client !== undefined && this.#identity !== undefined) this.#run(this.#open(undefined));
  }

  get client(): string | undefined {
    return this.#session?.client ?? this.#options.client;
  }

  get isOpen(): boolean {
    return this.#session !== undefined;
  }

  /** Nothing of what was received still waits to be handled. */
  get isQuiet(): boolean {
    return !this.#busy && this.#waiting.length === 0;
  }

  get writable(): boolean {
    return !this.#draining && !this.#connection.isClosing && this.#connection.outbox.writable;
  }

  received(bytes: Buffer, isBinary: boolean): void {
    const { decoder, helloBytesMax } = this.#options;
    if (this.#session === undefined && bytes.length > helloBytesMax) {
      this.#fail(
        new FrameError(
          'too_large',
          `a frame of ${bytes.length} bytes before the session is open; the limit hello-max is ${helloBytesMax}`,
        ),
      );
      this.#connection.close(CLOSE.tooLarge, 'too large');
      return;
    }
    for (const decoded of isBinary ? binaryFrame(decoder, bytes) : decoder.text(bytes)) {
      if (this.#busy) this.#waiting.push(decoded);
      else this.#handle(decoded);
    }
  }

  drained(): void {
    this.#session?.resume();
  }

  closed(code: number): void {
    this.#closed = true;
    this.#waiting = [];
    this.#session?.end();
    this.#options.closed(code);
  }

  deliver(delivery: Delivery): void {
    const { id, time, body, attributes } = delivery.message;
    const binary = attributes?.binary === true;
    const content = encodeMessage({
      queue: delivery.queue,
      id,
      attempt: delivery.attempt,
      time,
      topic: attributes?.topic,
      from: attributes?.from,
      headers: attributes?.headers,
      replyTo: attributes?.replyTo,
      correlation: attributes?.correlation,
      body,
      binary,
    });
    if (binary) this.#connection.binary(content);
    else this.#connection.text(content);
  }

  takenOver(): void {
    this.#connection.close(CLOSE.takenOver, 'a newer connection of this client has taken over');
  }

  /** Says that the broker shuts down, and takes nothing more. */
  drain(): void {
    this.#draining = true;
    this.#connection.text(encodeNotice('draining', { message: 'the broker is shutting down; connect again' }));
    this.#connection.pause(PAUSE.draining);
  }

  #handle(decoded: Decoded): void {
    if (this.#connection.isClosing) return;
    if (decoded instanceof FrameError) this.#fail(decoded);
    else if (decoded.type === 'hello') this.#run(this.#hello(decoded));
    else if (this.#session !== undefined) this.#run(this.#verb(decoded));
    else if (this.#identity !== undefined || this.#identify(undefined, decoded.ref)) {
      this.#waiting.unshift(decoded);
      this.#run(this.#open(undefined));
    }
  }

  /** Lets nothing else happen until this is finished. */
  #run(wait: Wait): void {
    if (wait === undefined) return;
    this.#busy = true;
    this.#connection.pause(PAUSE.order);
    void wait.then(() => {
      this.#busy = false;
      while (!this.#busy) {
        const next = this.#waiting.shift();
        if (next === undefined) break;
        this.#handle(next);
      }
      if (!this.#busy) this.#connection.unpause(PAUSE.order);
    });
  }

  #hello(frame: HelloFrame): Wait {
    if (this.#session !== undefined)
      return this.#refuse(frame.ref, new BrokerError('conflict', 'the session is open already: hello comes first, and once'));
    if (frame.client !== undefined && this.#options.client !== undefined && frame.client !== this.#options.client) {
      return this.#refuse(
        frame.ref,
        new BrokerError('conflict', `the URL names the client ${this.#options.client}, and hello another`),
      );
    }
    if ((frame.token !== undefined || this.#identity === undefined) && !this.#identify(frame.token, frame.ref)) return undefined;
    return this.#open(frame);
  }

  #identify(token: string | undefined, ref: string | undefined): boolean {
    this.#identity = this.#options.authority.identify(token);
    if (this.#identity !== undefined) return true;
    const how = token === undefined ? 'a token is needed' : 'the token is wrong';
    this.#refuse(
      ref,
      new BrokerError('unauthenticated', `${how}: send it as hello.token, or as the header Authorization: Bearer TOKEN`),
    );
    return false;
  }

  async #open(hello: HelloFrame | undefined): Promise<void> {
    const { broker, namespace, client, server, limits } = this.#options;
    if (hello?.arrays === true) this.#connection.outbox.arrays = true;
    let opened: Opened;
    try {
      opened = await broker.open(
        { namespace, client: hello?.client ?? client, graceMs: hello?.graceMs ?? this.#options.graceMs },
        this,
      );
    } catch (error) {
      this.#refuse(hello?.ref, error);
      this.#connection.close(CLOSE.draining, 'come back later');
      return;
    }
    if (this.#closed) return opened.session.end();
    this.#session = opened.session;
    const { resumed, inbox } = opened;
    this.#connection.text(encodeWelcome({ client: opened.session.client, resumed, inbox, lost: [], limits, server }, hello?.ref));
  }

  #verb(frame: VerbFrame): Wait {
    // the table's types pair each name with its own frame; a frame found under its own name is that one
    const verb = VERBS[frame.type] as (session: NativeSession, frame: VerbFrame) => Wait;
    return verb(this, frame);
  }

  publish(frame: PublishFrame): Wait {
    const { ref, messages } = frame;
    for (const message of messages) if (!this.#allowed('publish', message)) return this.#forbid(ref, 'publish there');
    const session = this.#live();
    const wait = session.publish(messages, (result) => {
      if (result instanceof BrokerError) this.#refuse(ref, result);
      else if (ref !== undefined)
        this.#connection.text(encodeOk(ref, frame.batch ? publishedBatch(result) : publishedOne(result)));
    });
    if (this.#options.broker.saturated && !this.#saturated) this.#awaitRelief();
    return wait;
  }

  /** Reads no more until less waits to become durable. */
  #awaitRelief(): void {
    this.#saturated = true;
    this.#connection.pause(PAUSE.saturated);
    this.#options.broker.onRelief(() => {
      this.#saturated = false;
      this.#connection.unpause(PAUSE.saturated);
    });
  }

  ack(frame: AckFrame): Wait {
    if (!this.#allowed('ack', frame)) return this.#forbid(frame.ref, 'ack there');
    this.#live().ack(frame, this.#count(frame.ref), frame.ref !== undefined);
    return undefined;
  }

  nack(frame: NackFrame): Wait {
    if (!this.#allowed('nack', frame)) return this.#forbid(frame.ref, 'nack there');
    this.#live().nack(frame, frame.delayMs, this.#count(frame.ref));
    return undefined;
  }

  extend(frame: ExtendFrame): Wait {
    if (!this.#allowed('extend', frame)) return this.#forbid(frame.ref, 'extend there');
    this.#live().extend(frame, frame.ms, this.#count(frame.ref));
    return undefined;
  }

  subscribe(frame: SubscribeFrame): Wait {
    if (!this.#allowed('subscribe', frame)) return this.#forbid(frame.ref, 'subscribe there');
    return this.#answer(
      frame.ref,
      this.#live().subscribe(frame),
      ({ queue, waiting }) => `,"queue":"${queue}","waiting":${waiting}`,
    );
  }

  unsubscribe(frame: UnsubscribeFrame): Wait {
    if (!this.#allowed('unsubscribe', frame)) return this.#forbid(frame.ref, 'unsubscribe there');
    return this.#answer(frame.ref, this.#live().unsubscribe(frame), () => '');
  }

  declare(frame: DeclareFrame): Wait {
    if (!this.#allowed('declare', frame)) return this.#forbid(frame.ref, 'declare that');
    const { queue, leaseMs, backoffMs } = frame;
    const settings = { ...(leaseMs === undefined ? {} : { leaseMs }), ...(backoffMs === undefined ? {} : { backoffMs }) };
    return this.#answer(
      frame.ref,
      this.#live().declare(queue, settings),
      (inForce) => `,"queue":"${queue}","lease":${inForce.leaseMs},"backoff":${JSON.stringify(inForce.backoffMs)}`,
    );
  }

  bind(frame: BindFrame | UnbindFrame): Wait {
    if (!this.#allowed(frame.type, frame)) return this.#forbid(frame.ref, `${frame.type} that`);
    const session = this.#live();
    return this.#answer(frame.ref, session[frame.type](frame.queue, frame.topic), () => '');
  }

  pong(ref: string | undefined): Wait {
    this.#connection.text(encodePong(ref));
    return undefined;
  }

  #live(): Session {
    if (this.#session === undefined) throw new Error('a verb before the session was open');
    return this.#session;
  }

  #allowed(verb: Verb, resource: Resource): boolean {
    if (this.#identity === undefined) return false;
    return this.#options.authority.allows(this.#identity, verb, this.#options.namespace, this.#live().client, resource);
  }

  #forbid(ref: string | undefined, what: string): undefined {
    this.#refuse(ref, new BrokerError('forbidden', `you may not ${what}`));
  }

  #count(ref: string | undefined): Reply<number> {
    return (result) => {
      if (result instanceof BrokerError) this.#refuse(ref, result);
      else if (ref !== undefined) this.#connection.text(encodeOk(ref, `,"count":${result}`));
    };
  }

  async #answer<Result>(ref: string | undefined, result: Promise<Result>, members: (result: Result) => string): Promise<void> {
    try {
      const encoded = members(await result);
      if (ref !== undefined) this.#connection.text(encodeOk(ref, encoded));
    } catch (error) {
      this.#refuse(ref, error);
    }
  }

  #fail(error: FrameError): void {
    this.#tell(error.ref, error.code, error.message);
  }

  #refuse(ref: string | undefined, error: unknown): undefined {
    if (!(error instanceof BrokerError)) throw error;
    this.#tell(ref, error.code, error.message);
  }

  #tell(ref: string | undefined, code: ErrorCode, message: string): void {
    this.#connection.text(encodeError(ref, code, message, isRetryable(code)));
    const close = closeCodeOf(code);
    if (close !== undefined) this.#connection.close(close, code);
  }
}

const VERBS: VerbTable = {
  publish: (session, frame) => session.publish(frame),
  ack: (session, frame) => session.ack(frame),
  nack: (session, frame) => session.nack(frame),
  extend: (session, frame) => session.extend(frame),
  subscribe: (session, frame) => session.subscribe(frame),
  unsubscribe: (session, frame) => session.unsubscribe(frame),
  declare: (session, frame) => session.declare(frame),
  bind: (session, frame) => session.bind(frame),
  unbind: (session, frame) => session.bind(frame),
  ping: (session, frame) => session.pong(frame.ref),
};

/** The WebSocket checks that text is UTF-8; the line of JSON of a binary frame must be so as well. */
function binaryFrame(decoder: FrameDecoder, bytes: Buffer): readonly Decoded[] {
  if (isUtf8(bytes.subarray(0, Math.max(bytes.indexOf(NEWLINE), 0)))) return decoder.binary(bytes);
  return [new FrameError('bad_frame', 'the line of JSON of a binary frame must be UTF-8')];
}

function publishedOne(published: readonly Published[]): string {
  const [first] = published;
  if (first === undefined) return '';
  return `,"id":"${first.id}","queues":${first.queues}${first.duplicate ? ',"duplicate":true' : ''}`;
}

function publishedBatch(published: readonly Published[]): string {
  const ids = published.map(({ id }) => `"${id}"`).join(',');
  const duplicates = published.filter(({ duplicate }) => duplicate).map(({ id }) => `"${id}"`);
  return `,"ids":[${ids}]${duplicates.length > 0 ? `,"duplicates":[${duplicates.join(',')}]` : ''}`;
}
