/**
 * A client that speaks the protocol as a person would at a console: JSON frames over a bare `ws` socket, nothing of the project's
 * own code. It keeps what it was sent until somebody asks for it, and bodies as the bytes that came.
 */
import { WebSocket } from 'ws';
import { rawMember } from './raw-member.ts';

export interface Frame {
  readonly type: string;
  readonly [member: string]: unknown;
}

export interface Delivery {
  readonly queue: string;
  readonly id: string;
  readonly attempt: number;
  readonly topic: string | undefined;
  readonly from: string | undefined;
  /** JSON text as it came; undefined when there were none. */
  readonly headers: string | undefined;
  /** JSON text as it came, or the bytes of a binary frame. */
  readonly body: string | Buffer;
}

/** An `error` frame. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly code: string;
  constructor(frame: Frame) {
    super(`${String(frame['code'])}: ${String(frame['message'])}`);
    this.code = String(frame['code']);
  }
}

/** The connection ended before the answer came: whether it was done, nobody knows. */
export class Disconnected extends Error {
  override readonly name = 'Disconnected';
}

/** Told at once, in the order in which the frames came. */
export type Answered = (answer: Frame | Refused | Disconnected) => void;

export interface WireOptions {
  readonly client?: string;
  readonly namespace?: string;
  /** Called for each delivery, instead of keeping it for `next`. */
  readonly delivered?: (delivery: Delivery) => void;
}

/** How long an answer, a message or a close may take before the test has failed, in ms. */
const PATIENCE_MS = 15_000;

interface Taker {
  readonly take: (delivery: Delivery) => void;
  readonly fail: (error: Error) => void;
}

export class WireClient {
  readonly welcome: Promise<Frame>;
  /** Resolves with the close code. */
  readonly closed: Promise<number>;
  readonly #socket: WebSocket;
  readonly #delivered: ((delivery: Delivery) => void) | undefined;
  readonly #answers = new Map<number, Answered>();
  readonly #kept: Delivery[] = [];
  readonly #takers: Taker[] = [];
  readonly #notices: Frame[] = [];
  readonly #welcomed: (frame: Frame) => void;
  #ref = 0;
  #over = false;

  private constructor(url: string, options: WireOptions) {
    const address = new URL(`/${options.namespace ?? ''}`, url);
    if (options.client !== undefined) address.searchParams.set('client', options.client);
    this.#delivered = options.delivered;
    this.#socket = new WebSocket(address, 'holdfast.v1');
    const welcome = Promise.withResolvers<Frame>();
    this.welcome = welcome.promise;
    this.#welcomed = welcome.resolve;
    this.closed = new Promise((resolve) => {
      this.#socket.on('close', (code) => {
        const error = new Disconnected(`the connection ended with ${code}`);
        welcome.reject(error);
        this.#end(error);
        resolve(code);
      });
    });
    // nobody has to wait for it; the close event follows an error
    welcome.promise.catch(() => undefined);
    this.#socket.on('error', () => undefined);
    this.#socket.on('message', (data: Buffer, isBinary) => this.#received(data, isBinary));
  }

  /** Resolves when the socket is open and, for a client with a name, when it was welcomed. */
  static async connect(url: string, options: WireOptions = {}): Promise<WireClient> {
    const client = new WireClient(url, options);
    await Promise.race([
      new Promise<void>((resolve) => client.#socket.once('open', resolve)),
      client.closed.then((code) => {
        throw new Disconnected(`no connection to ${url}: ${code}`);
      }),
    ]);
    if (options.client !== undefined) await bounded(client.welcome, 'the welcome');
    return client;
  }

  get notices(): readonly Frame[] {
    return this.#notices;
  }

  /** Deliveries that came and were not asked for yet. */
  get pending(): readonly Delivery[] {
    return this.#kept;
  }

  /** What the broker has not let it send yet. */
  get unsentBytes(): number {
    return this.#socket.bufferedAmount;
  }

  /** Resolves when a WebSocket ping was answered. */
  async webSocketPing(): Promise<void> {
    const answered = new Promise<void>((resolve) => this.#socket.once('pong', () => resolve()));
    this.#socket.ping();
    await bounded(Promise.race([answered, this.closed]), 'the pong');
  }

  /** Sends a frame with a `ref` and calls back with its answer. */
  ask(frame: Frame, answered: Answered): void {
    const ref = this.#take(answered);
    if (ref !== undefined) this.#socket.send(JSON.stringify({ ...frame, ref }));
  }

  /** The same, with members that are JSON text already, such as a body. */
  askWithText(frame: Frame, members: Readonly<Record<string, string>>, answered: Answered): void {
    const ref = this.#take(answered);
    if (ref === undefined) return;
    const text = Object.entries(members).map(([name, value]) => `,${JSON.stringify(name)}:${value}`);
    this.#socket.send(`${JSON.stringify({ ...frame, ref }).slice(0, -1)}${text.join('')}}`);
  }

  /** A frame in two parts: a line of JSON, then the bytes of its body. */
  askWithBytes(frame: Frame, body: Uint8Array, answered: Answered): void {
    const ref = this.#take(answered);
    if (ref !== undefined) this.#socket.send(Buffer.concat([Buffer.from(`${JSON.stringify({ ...frame, ref })}\n`), body]));
  }

  /** Resolves with the `ok` frame; rejects with `Refused` or `Disconnected`. */
  request(frame: Frame): Promise<Frame> {
    return this.#promise(frame.type, (answered) => this.ask(frame, answered));
  }

  publish(destination: Readonly<Record<string, unknown>>, body: unknown): Promise<Frame> {
    return this.request({ type: 'publish', ...destination, body });
  }

  publishText(destination: Readonly<Record<string, unknown>>, body: string): Promise<Frame> {
    return this.#promise('publish', (answered) => this.askWithText({ type: 'publish', ...destination }, { body }, answered));
  }

  publishBytes(destination: Readonly<Record<string, unknown>>, body: Uint8Array): Promise<Frame> {
    return this.#promise('publish', (answered) => this.askWithBytes({ type: 'publish', ...destination }, body, answered));
  }

  subscribe(target: Readonly<Record<string, unknown>> = {}): Promise<Frame> {
    return this.request({ type: 'subscribe', ...target });
  }

  ack(...deliveries: readonly Delivery[]): Promise<Frame> {
    return this.request({ type: 'ack', ids: deliveries.map(({ id }) => id) });
  }

  /** The next delivery, which may be here already. */
  next(): Promise<Delivery> {
    const kept = this.#kept.shift();
    if (kept !== undefined) return Promise.resolve(kept);
    if (this.#over) return Promise.reject(new Disconnected('the connection has ended'));
    return bounded(new Promise((take, fail) => this.#takers.push({ take, fail })), 'a message');
  }

  async take(count: number): Promise<Delivery[]> {
    const taken: Delivery[] = [];
    while (taken.length < count) taken.push(await this.next());
    return taken;
  }

  /** All that the broker sent before it handled what comes now. */
  async settled(): Promise<readonly Delivery[]> {
    await this.request({ type: 'ping' });
    return this.#kept.splice(0);
  }

  close(): Promise<number> {
    this.#socket.close(1000);
    return bounded(this.closed, 'the close');
  }

  /** Gone without a word. */
  terminate(): void {
    this.#socket.terminate();
  }

  #promise(what: string, ask: (answered: Answered) => void): Promise<Frame> {
    const answer = new Promise<Frame>((resolve, reject) => {
      ask((frame) => (frame instanceof Error ? reject(frame) : resolve(frame)));
    });
    return bounded(answer, `the answer to ${what}`);
  }

  #take(answered: Answered): number | undefined {
    if (this.#over) {
      answered(new Disconnected('the connection has ended'));
      return undefined;
    }
    this.#answers.set(++this.#ref, answered);
    return this.#ref;
  }

  #received(data: Buffer, isBinary: boolean): void {
    const newline = isBinary ? data.indexOf(0x0a) : -1;
    const text = isBinary ? data.toString('utf8', 0, newline) : data.toString();
    const frame = JSON.parse(text) as Frame;
    const ref = frame['ref'];
    const answered = typeof ref === 'number' ? this.#answers.get(ref) : undefined;
    if (answered !== undefined) {
      this.#answers.delete(Number(ref));
      answered(frame.type === 'error' ? new Refused(frame) : frame);
      return;
    }
    if (frame.type === 'message') this.#deliver(frame, text, isBinary ? data.subarray(newline + 1) : undefined);
    else if (frame.type === 'welcome') this.#welcomed(frame);
    else this.#notices.push(frame);
  }

  #deliver(frame: Frame, text: string, bytes: Buffer | undefined): void {
    const { queue, id, attempt, topic, from } = frame as unknown as Delivery;
    const headers = frame['headers'] === undefined ? undefined : rawMember(text, 'headers');
    const delivery = { queue, id, attempt, topic, from, headers, body: bytes ?? rawMember(text, 'body') ?? '' };
    if (this.#delivered !== undefined) return this.#delivered(delivery);
    const taker = this.#takers.shift();
    if (taker === undefined) this.#kept.push(delivery);
    else taker.take(delivery);
  }

  #end(error: Disconnected): void {
    this.#over = true;
    for (const answered of this.#answers.values()) answered(error);
    this.#answers.clear();
    for (const { fail } of this.#takers.splice(0)) fail(error);
  }
}

/** Fails with what was waited for when it takes too long. */
export async function bounded<T>(wanted: Promise<T>, what: string, ms = PATIENCE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([wanted, late]);
  } finally {
    clearTimeout(timer);
  }
}
