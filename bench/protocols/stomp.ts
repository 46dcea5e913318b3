/**
 * STOMP 1.2 over WebSockets as RabbitMQ speaks it (rabbitmq.com/docs/stomp), with quorum queues or durable classic ones: receipts
 * are confirms. RabbitMQ takes several frames in one WebSocket message. Only a subscription to a topic can make, and delete, a
 * queue of a given name.
 */
import type { Connection, ConnectOptions, ConnectionEvents, Protocol } from '../lib/protocol.ts';
import { ByteStream } from './byte-stream.ts';

export const stomp: Protocol = protocol('quorum');

export const stompClassic: Protocol = protocol('classic');

type QueueType = 'quorum' | 'classic';

/** Headers of each message: all that is in a quorum queue is persistent, what is in a durable classic one only if it says so. */
const SEND_HEADERS: Readonly<Record<QueueType, string>> = { quorum: '', classic: 'persistent:true\n' };

function protocol(type: QueueType): Protocol {
  return {
    connect: (options) => StompConnection.connect(options, type),
    declareQueue: (port, queue) => visit(port, (connection) => connection.ask(`SUBSCRIBE\n${queueHeaders(queue, type)}`)),
    deleteQueue: (port, queue) =>
      visit(port, async (connection) => {
        await connection.ask(`SUBSCRIBE\n${queueHeaders(queue, type)}`);
        await connection.ask(`UNSUBSCRIBE\n${queueHeaders(queue, type)}`);
      }),
  };
}

const LINE_FEED = 10;
const NUL = 0;
const DIGIT_MIN = '0'.charCodeAt(0);
/** First letters of what a server sends: CONNECTED, ERROR, MESSAGE, RECEIPT. */
const CONNECTED = 'C'.charCodeAt(0);
const MESSAGE = 'M'.charCodeAt(0);
const RECEIPT = 'R'.charCodeAt(0);

const CONNECT = 'CONNECT\naccept-version:1.2\nhost:/\nlogin:guest\npasscode:guest\nheart-beat:0,0\n\n\0';
const RECEIPT_ID = 'RECEIPT\nreceipt-id:';
const ACK = '\nack:';
const CONTENT_LENGTH = '\ncontent-length:';

/** What the server calls itself. */
export async function stompServerVersion(port: number): Promise<string> {
  const connection = await StompConnection.connect({ port, events: {} });
  connection.close();
  return connection.serverVersion;
}

async function visit(port: number, work: (connection: StompConnection) => Promise<void>): Promise<void> {
  const connection = await StompConnection.connect({ port, events: {} });
  await work(connection);
  connection.close();
}

/** At most one message is delivered to such a subscription, and goes back into the queue when it ends. */
function queueHeaders(queue: string, type: QueueType): string {
  return (
    `id:q\ndestination:/topic/${queue}\nx-queue-name:${queue}\nx-queue-type:${type}\ndurable:true\nauto-delete:false\n` +
    'ack:client-individual\nprefetch-count:1\n'
  );
}

/** Receipts of publishes are numbers, of all else that is to be answered begin with a letter: that tells confirms from answers. */
class StompConnection implements Connection {
  readonly #stream: ByteStream;
  readonly #events: ConnectionEvents;
  readonly #type: QueueType;
  readonly #asked = new Map<string, () => void>();
  #connected: (() => void) | undefined;
  /** Its user knows it. */
  #open = false;
  #published = 0;
  #questions = 0;
  /** Of what was published last. */
  #queue = '';
  #head = '';
  /** Within what is being read. */
  #confirmed = 0;
  serverVersion = '';

  static async connect({ port, events }: ConnectOptions, type: QueueType = 'quorum'): Promise<StompConnection> {
    const connection = new StompConnection(events, type);
    const { promise, resolve } = Promise.withResolvers<void>();
    connection.#connected = resolve;
    await connection.#stream.open({ port, path: '/ws', protocol: 'v12.stomp' });
    connection.#stream.sendText(CONNECT);
    connection.#stream.flush();
    await promise;
    connection.#open = true;
    return connection;
  }

  private constructor(events: ConnectionEvents, type: QueueType) {
    this.#events = events;
    this.#type = type;
    this.#stream = new ByteStream({
      received: (data) => this.#received(data),
      turnEnded: () => {
        if (this.#open) events.turnEnded?.();
      },
    });
  }

  publish(queue: string, body: string): void {
    if (queue !== this.#queue) {
      this.#queue = queue;
      this.#head = `SEND\ndestination:/amq/queue/${queue}\n${SEND_HEADERS[this.#type]}receipt:`;
    }
    this.#stream.sendText(`${this.#head}${this.#published++}\ncontent-length:${body.length}\n\n${body}\0`);
  }

  subscribe(queue: string, prefetch: number): Promise<void> {
    return this.ask(
      `SUBSCRIBE\nid:s\ndestination:/amq/queue/${queue}\nack:client-individual\nprefetch-count:${prefetch}\n` +
        `x-queue-type:${this.#type}\n`,
    );
  }

  ack(delivery: string, taken?: () => void): void {
    if (taken === undefined) this.#stream.sendText(`ACK\nid:${delivery}\n\n\0`);
    else this.#question(`ACK\nid:${delivery}\n`, taken);
  }

  flush(): void {
    this.#stream.flush();
  }

  close(): void {
    this.#stream.close();
  }

  /** Sends a frame with this head at once and resolves when it is answered. */
  async ask(head: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#question(head, resolve);
    this.#stream.flush();
    await promise;
  }

  #question(head: string, answered: () => void): void {
    const receipt = `q${this.#questions++}`;
    this.#asked.set(receipt, answered);
    this.#stream.sendText(`${head}receipt:${receipt}\n\n\0`);
  }

  #received(data: Buffer): number {
    const text = data.latin1Slice();
    this.#confirmed = 0;
    let at = 0;
    for (;;) {
      while (data[at] === LINE_FEED) at++;
      const headEnd = text.indexOf('\n\n', at);
      if (headEnd < 0) break;
      const bodyAt = headEnd + 2;
      const end = data[at] === MESSAGE ? bodyAt + bodyLength(text, headEnd) : text.indexOf('\0', bodyAt);
      if (end < 0 || end >= data.length) break;
      if (data[end] !== NUL) throw new Error(`STOMP: a frame does not end where it says: ${text.slice(at, bodyAt)}`);
      this.#frame(data, text, at, bodyAt, end);
      at = end + 1;
    }
    if (this.#confirmed > 0) this.#events.confirmed?.(this.#confirmed);
    return at;
  }

  #frame(data: Buffer, text: string, at: number, bodyAt: number, end: number): void {
    switch (data[at]) {
      case MESSAGE: {
        const ackAt = text.indexOf(ACK, at) + ACK.length;
        return this.#events.delivered?.(text.slice(ackAt, text.indexOf('\n', ackAt)), data.subarray(bodyAt, end));
      }
      case RECEIPT:
        return this.#receipt(data, text, at + RECEIPT_ID.length);
      case CONNECTED:
        this.serverVersion = /server:RabbitMQ\/(\S+)/.exec(text)?.[1] ?? '';
        return this.#connected?.();
      default:
        throw new Error(`STOMP: ${text.slice(at, end)}`);
    }
  }

  #receipt(data: Buffer, text: string, idAt: number): void {
    if ((data[idAt] ?? 0) <= DIGIT_MIN + 9) {
      this.#confirmed++;
      this.#events.confirmedOne?.(Number(text.slice(idAt, text.indexOf('\n', idAt))));
      return;
    }
    const id = text.slice(idAt, text.indexOf('\n', idAt));
    this.#asked.get(id)?.();
    this.#asked.delete(id);
  }
}

/** RabbitMQ says it last of all headers. */
function bodyLength(text: string, headEnd: number): number {
  const at = text.lastIndexOf(CONTENT_LENGTH, headEnd) + CONTENT_LENGTH.length;
  let length = 0;
  for (let i = at; i < headEnd && text.charCodeAt(i) !== LINE_FEED; i++) length = length * 10 + text.charCodeAt(i) - DIGIT_MIN;
  return length;
}
