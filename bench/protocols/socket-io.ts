/**
 * What socket.io-client says to the relay of `systems/socket-io-server.ts`: Engine.IO 4 over a WebSocket, Socket.IO 5 in it
 * (socket.io/docs/v4/socket-io-protocol). One packet a WebSocket message: `42` and an event, whose id asks for an acknowledgement,
 * which is `43` and that id.
 */
import type { Connection, ConnectOptions, ConnectionEvents, Protocol } from '../lib/protocol.ts';
import { RawSocket } from '../lib/raw-socket.ts';

/** Nothing is stored: there is nothing to make or to delete. */
export const socketIo: Protocol = {
  connect: (options) => SocketIoConnection.connect(options),
  declareQueue: () => Promise.resolve(),
  deleteQueue: () => Promise.resolve(),
};

const DIGIT_MIN = 48;
const DIGIT_MAX = 57;
/** First characters of Engine.IO's packets: open, ping, message; and of Socket.IO's, which are in messages. */
const OPEN = 48;
const PING = 50;
const MESSAGE = 52;
const CONNECTED = 48;
const EVENT = 50;
const ACKNOWLEDGEMENT = 51;
/** The relay sends one kind of event: `["m",<body>]`. */
const BODY_AT = '["m",'.length;

class SocketIoConnection implements Connection {
  readonly #events: ConnectionEvents;
  readonly #asked = new Map<number, () => void>();
  #socket: RawSocket | undefined;
  #connected: (() => void) | undefined;
  /** Its user knows it. */
  #open = false;
  #lastId = 0;
  /** Within a turn. */
  #confirmed = 0;

  static async connect({ port, events }: ConnectOptions): Promise<SocketIoConnection> {
    const connection = new SocketIoConnection(events);
    const { promise, resolve } = Promise.withResolvers<void>();
    connection.#connected = resolve;
    connection.#socket = await RawSocket.connect({
      port,
      path: '/socket.io/?EIO=4&transport=websocket',
      received: (payload) => connection.#received(payload),
      turnEnded: () => connection.#turnEnded(),
    });
    connection.#send('40');
    connection.flush();
    await promise;
    connection.#open = true;
    return connection;
  }

  private constructor(events: ConnectionEvents) {
    this.#events = events;
  }

  publish(queue: string, body: string): void {
    this.#send(`42${++this.#lastId}["publish","${queue}",${body}]`);
  }

  publishToTopic(topic: string, body: string): void {
    this.#send(`42${++this.#lastId}["publish to topic","${topic}",${body}]`);
  }

  /** The relay knows no prefetch: what is published is delivered. */
  subscribe(queue: string): Promise<void> {
    return this.#ask(`["consume","${queue}"]`);
  }

  subscribeToTopic(topic: string): Promise<void> {
    return this.#ask(`["subscribe","${topic}"]`);
  }

  ack(delivery: number, taken?: () => void): void {
    this.#send(`43${delivery}[]`);
    // whose acknowledgement says that the relay has seen all before it
    if (taken !== undefined) this.#question('["sync"]', taken);
  }

  flush(): void {
    this.#socket?.flush();
  }

  close(): void {
    this.#socket?.close();
  }

  async #ask(event: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#question(event, resolve);
    this.flush();
    await promise;
  }

  #question(event: string, answered: () => void): void {
    this.#asked.set(++this.#lastId, answered);
    this.#send(`42${this.#lastId}${event}`);
  }

  #send(packet: string): void {
    this.#socket?.send(packet);
  }

  #received(payload: Buffer): void {
    const type = payload[0];
    if (type === MESSAGE) this.#message(payload);
    else if (type === PING) this.#send('3');
    else if (type !== OPEN) throw new Error(`Socket.IO: ${payload.latin1Slice()}`);
  }

  #message(payload: Buffer): void {
    let id = 0;
    let at = 2;
    for (let byte = payload[at] ?? 0; byte >= DIGIT_MIN && byte <= DIGIT_MAX; byte = payload[++at] ?? 0)
      id = id * 10 + byte - DIGIT_MIN;
    const type = payload[1];
    if (type === EVENT) this.#events.delivered?.(id, payload.subarray(at + BODY_AT, payload.length - 1));
    else if (type === ACKNOWLEDGEMENT) this.#acknowledged(id);
    else if (type === CONNECTED) this.#connected?.();
    else throw new Error(`Socket.IO: ${payload.latin1Slice()}`);
  }

  /** Of a publish, or of a question. */
  #acknowledged(id: number): void {
    const answered = this.#asked.size === 0 ? undefined : this.#asked.get(id);
    if (answered === undefined) {
      this.#confirmed++;
      return;
    }
    this.#asked.delete(id);
    answered();
  }

  #turnEnded(): void {
    if (!this.#open) return;
    const confirmed = this.#confirmed;
    this.#confirmed = 0;
    if (confirmed > 0) this.#events.confirmed?.(confirmed);
    this.#events.turnEnded?.();
  }
}
