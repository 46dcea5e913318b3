/**
 * Streams of Valkey and Redis, in the words that all peers' protocols share: a queue is a stream, a confirm is the answer to XADD,
 * and a subscription reads the stream page by page with XRANGE and deletes what was acknowledged of each with XDEL.
 */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import type { Connection, ConnectionEvents, Protocol } from '../../bench/lib/protocol.ts';
import { type Answer, AnswerReader, commandText, Refusal } from './resp.ts';

export const streams: Protocol = {
  connect: ({ port, events }) => StreamConnection.connect(port, events),
  /** The first XADD makes it. */
  declareQueue: () => Promise.resolve(),
  deleteQueue: async (port, queue) => void (await askOnce(port, ['DEL', queue])),
};

/** What INFO says the server is: `Valkey 9.1.2`. */
export async function streamServerVersion(port: number): Promise<string> {
  const info = await askOnce(port, ['INFO', 'server']);
  return versionIn(typeof info === 'string' ? info : '');
}

/** Valkey says both: its own version, and that of the Redis which it took over from. */
export function versionIn(info: string): string {
  const valkey = /^valkey_version:(\S+)/m.exec(info)?.[1];
  return valkey === undefined ? `Redis ${/^redis_version:(\S+)/m.exec(info)?.[1] ?? ''}` : `Valkey ${valkey}`;
}

async function askOnce(port: number, words: readonly string[]): Promise<Answer> {
  const connection = await StreamConnection.connect(port, {});
  const { promise, resolve } = Promise.withResolvers<Answer>();
  connection.ask(words, resolve);
  connection.flush();
  const answer = await promise;
  connection.close();
  return answer;
}

class StreamConnection implements Connection {
  readonly #socket: Socket;
  readonly #events: ConnectionEvents;
  readonly #reader = new AnswerReader();
  /** What is to be done with each answer that is still to come: a server answers in the order of the commands. */
  readonly #asked: ((answer: Answer) => void)[] = [];
  /** Of the page that is being read. */
  #acked: string[] = [];
  #taken: (() => void)[] = [];
  #out = '';
  #published = 0;

  static async connect(port: number, events: ConnectionEvents): Promise<StreamConnection> {
    const socket = createConnection({ port, host: '127.0.0.1', noDelay: true });
    const connection = new StreamConnection(socket, events);
    await once(socket, 'connect');
    return connection;
  }

  private constructor(socket: Socket, events: ConnectionEvents) {
    this.#socket = socket;
    this.#events = events;
    socket.setEncoding('latin1');
    socket.on('data', (piece: string) => this.#received(piece));
    socket.on('end', () => socket.destroy(new Error('the server has ended the connection')));
  }

  publish(queue: string, body: string): void {
    const number = this.#published++;
    this.ask(['XADD', queue, '*', 'body', body], () => {
      this.#events.confirmed?.(1);
      this.#events.confirmedOne?.(number);
    });
  }

  subscribe(queue: string, prefetch: number): Promise<void> {
    this.#read(queue, '-', prefetch);
    this.flush();
    return Promise.resolve();
  }

  /** Within `delivered`. */
  ack(delivery: string, taken?: () => void): void {
    this.#acked.push(delivery);
    if (taken !== undefined) this.#taken.push(taken);
  }

  /** @throws, where answers are read, what the server refuses it with */
  ask(words: readonly string[], answered: (answer: Answer) => void): void {
    this.#asked.push(answered);
    this.#out += commandText(words);
  }

  flush(): void {
    if (this.#out === '') return;
    this.#socket.write(this.#out, 'latin1');
    this.#out = '';
  }

  close(): void {
    this.#socket.removeAllListeners('end');
    this.#socket.on('error', () => undefined);
    this.#socket.destroy();
  }

  #received(piece: string): void {
    for (const answer of this.#reader.read(piece)) {
      if (answer instanceof Refusal) throw new Error(`refused: ${answer.message}`);
      this.#asked.shift()?.(answer);
    }
    this.#events.turnEnded?.();
    this.flush();
  }

  /** A page, and the next one when it was full. */
  #read(queue: string, from: string, count: number): void {
    this.ask(['XRANGE', queue, from, '+', 'COUNT', String(count)], (answer) => {
      const entries = answer as readonly (readonly [id: string, fields: readonly string[]])[];
      for (const [id, fields] of entries) this.#events.delivered?.(id, Buffer.from(fields[1] ?? '', 'latin1'));
      this.#delete(queue);
      const last = entries.at(-1);
      if (last !== undefined && entries.length === count) this.#read(queue, `(${last[0]}`, count);
    });
  }

  #delete(queue: string): void {
    if (this.#acked.length === 0) return;
    const taken = this.#taken;
    this.ask(['XDEL', queue, ...this.#acked], () => taken.forEach((tell) => tell()));
    this.#acked = [];
    this.#taken = [];
  }
}
