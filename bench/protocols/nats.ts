/**
 * NATS JetStream over its WebSocket listener: protocol lines as docs.nats.io describes them. A queue is a stream of its own, kept
 * in files, with one durable push consumer, which is a little faster than a pull consumer; a confirm is a PubAck. An inbox is the same:
 * one stream for all of them, with a consumer of its own subject each, takes the server six times as long.
 */
import { randomUUID } from 'node:crypto';
import type { Connection, ConnectOptions, ConnectionEvents, Protocol } from '../lib/protocol.ts';
import { ByteStream } from './byte-stream.ts';

export const nats: Protocol = {
  connect: (options) => NatsConnection.connect(options),
  declareQueue: (port, queue) => visit(port, (connection) => connection.makeStream(queue, 'workqueue')),
  deleteQueue: (port, queue) => visit(port, (connection) => connection.ask(`STREAM.DELETE.${queue}`, {})),
  inboxes: {
    nameOf: (client) => `${INBOX}${client}`,
    make: (port, client) =>
      visit(port, async (connection) => {
        const name = `${INBOX}${client}`;
        await connection.makeStream(name, 'workqueue');
        await connection.makeConsumer(name, name, INBOX_PREFETCH);
      }),
  },
};

/** What names of inboxes begin with. */
const INBOX = 'inbox-';
/** An inbox is made before its client says how much it wants to hold: JetStream's own limit. */
const INBOX_PREFETCH = 1000;

/** A connection's subscriptions, made when they are needed. */
const CONFIRMS = 1;
const ANSWERS = 2;
const DELIVERIES = 3;
const ACKS_TAKEN = 4;

const LINE_FEED = 10;
const SPACE = 32;
const ZERO = 48;
/** First letters of what a server sends: INFO, MSG, PING and PONG, +OK, -ERR. */
const INFO = 73;
const MSG = 77;
const PING_OR_PONG = 80;
const OK = 43;
/** The second letter of PING. */
const PING_SECOND = 73;
/** The third byte of an answer `{"error":`. */
const ERROR_THIRD = 101;

const CONNECT =
  'CONNECT {"verbose":false,"pedantic":false,"tls_required":false,"headers":false,"lang":"bench","version":"1","protocol":1}\r\n';

/** What the server calls itself. */
export async function natsVersion(port: number): Promise<string> {
  const connection = await NatsConnection.connect({ port, events: {} });
  connection.close();
  return connection.serverVersion;
}

async function visit(port: number, work: (connection: NatsConnection) => Promise<void>): Promise<void> {
  const connection = await NatsConnection.connect({ port, events: {} });
  await work(connection);
  connection.close();
}

class NatsConnection implements Connection {
  readonly #stream: ByteStream;
  readonly #events: ConnectionEvents;
  readonly #client: string;
  /** Where answers of the server go to, by subscription. */
  readonly #confirms: string;
  readonly #answers: string;
  readonly #acksTaken: string;
  readonly #subscriptions = new Set<number>();
  /** Confirms come to subjects of their own, that end with the number of the publish. */
  readonly #numbered: boolean;
  readonly #pongs: (() => void)[] = [];
  readonly #taken: (() => void)[] = [];
  #answered: ((answer: string) => void) | undefined;
  /** Its user knows it: the server has answered the first PING. */
  #connected = false;
  #published = 0;
  /** Within what is being read. */
  #confirmed = 0;
  serverVersion = '';

  static async connect({ port, client, events }: ConnectOptions): Promise<NatsConnection> {
    const connection = new NatsConnection(events, client ?? 'bench');
    connection.#stream.sendText(CONNECT);
    await connection.#stream.open({ port, path: '/' });
    await connection.#ping();
    connection.#connected = true;
    return connection;
  }

  private constructor(events: ConnectionEvents, client: string) {
    this.#events = events;
    this.#client = client;
    this.#numbered = events.confirmedOne !== undefined;
    const inbox = `_INBOX.${randomUUID()}`;
    this.#confirms = `${inbox}.confirms`;
    this.#answers = `${inbox}.answers`;
    this.#acksTaken = `${inbox}.acks`;
    this.#stream = new ByteStream({
      received: (data) => this.#received(data),
      turnEnded: () => {
        if (this.#connected) events.turnEnded?.();
      },
    });
  }

  publish(subject: string, body: string): void {
    this.#subscribeTo(CONFIRMS, this.#numbered ? `${this.#confirms}.*` : this.#confirms);
    const confirm = this.#numbered ? `${this.#confirms}.${this.#published++}` : this.#confirms;
    this.#stream.sendText(`PUB ${subject} ${confirm} ${body.length}\r\n${body}\r\n`);
  }

  publishToTopic(topic: string, body: string): void {
    this.publish(topic, body);
  }

  async subscribe(queue: string, prefetch: number): Promise<void> {
    this.#subscribeTo(DELIVERIES, deliverySubject(queue));
    if (!queue.startsWith(INBOX)) await this.makeConsumer(queue, queue, prefetch);
    await this.#ping();
  }

  /** A topic is a stream that keeps a message until every consumer has acknowledged it. */
  async subscribeToTopic(topic: string, prefetch: number): Promise<void> {
    await this.makeStream(topic, 'interest');
    this.#subscribeTo(DELIVERIES, deliverySubject(this.#client));
    await this.makeConsumer(topic, this.#client, prefetch);
  }

  ack(delivery: string, taken?: () => void): void {
    if (taken === undefined) return this.#stream.sendText(`PUB ${delivery} 4\r\n+ACK\r\n`);
    this.#subscribeTo(ACKS_TAKEN, this.#acksTaken);
    this.#taken.push(taken);
    this.#stream.sendText(`PUB ${delivery} ${this.#acksTaken} 4\r\n+ACK\r\n`);
  }

  flush(): void {
    this.#stream.flush();
  }

  close(): void {
    this.#stream.close();
  }

  /** Of what is published to the subject of the same name. Nothing happens if there is one like it. */
  makeStream(name: string, retention: 'workqueue' | 'interest'): Promise<void> {
    return this.ask(`STREAM.CREATE.${name}`, { name, subjects: [name], retention, storage: 'file', num_replicas: 1 });
  }

  /** Pushes to a subject of its own while someone is subscribed to it. Nothing happens if there is one like it. */
  makeConsumer(stream: string, name: string, prefetch: number): Promise<void> {
    const config = {
      durable_name: name,
      deliver_subject: deliverySubject(name),
      deliver_policy: 'all',
      ack_policy: 'explicit',
      max_ack_pending: prefetch,
    };
    return this.ask(`CONSUMER.DURABLE.CREATE.${stream}.${name}`, { stream_name: stream, config });
  }

  /** One request to JetStream at a time. @throws what it answers, if that is an error */
  async ask(request: string, parameters: object): Promise<void> {
    this.#subscribeTo(ANSWERS, this.#answers);
    const { promise, resolve } = Promise.withResolvers<string>();
    this.#answered = resolve;
    const text = JSON.stringify(parameters);
    this.#stream.sendText(`PUB $JS.API.${request} ${this.#answers} ${text.length}\r\n${text}\r\n`);
    this.#stream.flush();
    const answer = JSON.parse(await promise) as { readonly error?: { readonly description: string } };
    if (answer.error !== undefined) throw new Error(`JetStream answered ${request}: ${answer.error.description}`);
  }

  /** Resolves when the server has done all that was sent before. */
  async #ping(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#pongs.push(resolve);
    this.#stream.sendText('PING\r\n');
    this.#stream.flush();
    await promise;
  }

  #subscribeTo(subscription: number, subject: string): void {
    if (this.#subscriptions.has(subscription)) return;
    this.#subscriptions.add(subscription);
    this.#stream.sendText(`SUB ${subject} ${subscription}\r\n`);
  }

  #received(data: Buffer): number {
    this.#confirmed = 0;
    let at = 0;
    for (let next = 0; next >= 0; ) {
      next = data[at] === MSG ? this.#message(data, at) : this.#line(data, at);
      if (next >= 0) at = next;
    }
    if (this.#confirmed > 0) this.#events.confirmed?.(this.#confirmed);
    return at;
  }

  /** `MSG <subject> <subscription> [reply] <bytes>␍␊<body>␍␊`. Returns where it ends, or -1 if it isn't complete. */
  #message(data: Buffer, from: number): number {
    let at = from + 'MSG '.length;
    while (at < data.length && data[at] !== SPACE) at++;
    const subjectEnd = at;
    const subscription = (data[at + 1] ?? 0) - ZERO;
    const replyAt = at + 3;
    while (at < data.length && data[at] !== LINE_FEED) at++;
    const bodyAt = at + 1;
    let bytes = 0;
    for (let unit = 1; data[(at -= 1) - 1] !== SPACE; unit *= 10) bytes += unit * ((data[at - 1] ?? 0) - ZERO);
    const end = bodyAt + bytes + 2;
    if (end > data.length) return -1;
    if (subscription === DELIVERIES) this.#events.delivered?.(data.latin1Slice(replyAt, at - 1), data.subarray(bodyAt, end - 2));
    else this.#answer(subscription, data, bodyAt, end - 2);
    if (subscription === CONFIRMS && this.#numbered) this.#events.confirmedOne?.(numberAtEnd(data.latin1Slice(from, subjectEnd)));
    return end;
  }

  #answer(subscription: number, data: Buffer, bodyAt: number, bodyEnd: number): void {
    if (subscription === ANSWERS) this.#answered?.(data.latin1Slice(bodyAt, bodyEnd));
    else if (subscription === ACKS_TAKEN) this.#taken.shift()?.();
    else if (data[bodyAt + 2] === ERROR_THIRD) throw new Error(`JetStream: ${data.latin1Slice(bodyAt, bodyEnd)}`);
    else this.#confirmed++;
  }

  /** What has no body. Returns where it ends, or -1 if it isn't complete. */
  #line(data: Buffer, at: number): number {
    const end = data.indexOf(LINE_FEED, at) + 1;
    if (end === 0) return -1;
    const type = data[at];
    if (type === PING_OR_PONG) this.#pingOrPong(data[at + 1] === PING_SECOND);
    else if (type === INFO) this.serverVersion = versionIn(data.latin1Slice(at + 'INFO '.length, end));
    else if (type !== OK) throw new Error(`NATS: ${data.latin1Slice(at, end)}`);
    return end;
  }

  #pingOrPong(isPing: boolean): void {
    if (isPing) this.#stream.sendText('PONG\r\n');
    else this.#pongs.shift()?.();
  }
}

function numberAtEnd(subject: string): number {
  return Number(subject.slice(subject.lastIndexOf('.') + 1));
}

function deliverySubject(consumer: string): string {
  return `deliveries.${consumer}`;
}

function versionIn(info: string): string {
  return (JSON.parse(info) as { readonly version: string }).version;
}
