import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { protocolNamed } from '../../bench/protocols/index.ts';
import { drainInThread } from '../../prove/peers/client-thread.ts';
import { bodyOf, drain, numberOf, publishUntil } from '../../prove/peers/client.ts';
import { missing } from '../../prove/peers/power-cut-rounds.ts';
import { AnswerReader, commandText } from '../../prove/peers/resp.ts';
import { streams, streamServerVersion, versionIn } from '../../prove/peers/stream-protocol.ts';
import { LiveBroker } from '../support/live-broker.ts';

/** As much of a server with streams as the client needs: what it holds can be looked at and changed. */
class StreamServer {
  readonly bodies = new Map<number, string>();
  readonly commands: string[] = [];
  /** After so many XADDs it answers nothing more. */
  answersMax = Number.POSITIVE_INFINITY;
  /** The command that it answers by ending the connection. */
  endsAt = '';
  #last = 0;

  async listen(): Promise<number> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      const reader = new AnswerReader();
      socket.setEncoding('latin1');
      socket.on('error', () => undefined);
      socket.on('data', (piece: string) => {
        const answers = reader.read(piece).map((command) => this.#answer(command as readonly string[]));
        if (this.commands.includes(this.endsAt)) socket.end();
        else socket.write(answers.join(''), 'latin1');
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return (server.address() as AddressInfo).port;
  }

  #answer([name = '', ...words]: readonly string[]): string {
    this.commands.push(name);
    if (name === 'XADD') return this.#add(words[3] ?? '');
    if (name === 'XDEL') for (const id of words.slice(1)) this.bodies.delete(Number.parseInt(id, 10));
    if (name === 'XRANGE') return this.#range(words[1] ?? '', Number(words[4]));
    return name === 'INFO' ? '$21\r\nvalkey_version:9.1.2\r\n\r\n' : ':1\r\n';
  }

  put(body: string): void {
    this.bodies.set(++this.#last, body);
  }

  #add(body: string): string {
    this.put(body);
    return this.#last > this.answersMax ? '' : `$${String(this.#last).length + 2}\r\n${this.#last}-0\r\n`;
  }

  #range(from: string, count: number): string {
    const after = from === '-' ? 0 : Number.parseInt(from.slice(1), 10);
    const entries = [...this.bodies].filter(([id]) => id > after).slice(0, count);
    const texts = entries.map(([id, body]) => `*2\r\n${commandText([`${id}-0`]).slice(4)}${commandText(['body', body])}`);
    return `*${texts.length}\r\n${texts.join('')}`;
  }
}

async function listening(): Promise<{ readonly server: StreamServer; readonly port: number }> {
  const server = new StreamServer();
  return { server, port: await server.listen() };
}

describe('the clients of the power-cut rounds', () => {
  it('tell their messages by round and number, and only if they are as they were published', () => {
    const body = bodyOf(3, 1234);
    expect(JSON.parse(body)).toHaveLength(254);
    expect(numberOf(3, body)).toBe(1234);
    expect(numberOf(4, body)).toBeUndefined();
    expect(numberOf(3, body.replace('xx', 'xy'))).toBeUndefined();
    expect(numberOf(3, '')).toBeUndefined();
  });

  it('count as lost what was confirmed and did not come, whatever else came', () => {
    expect(missing([0, 1, 2, 3], new Set([1, 3, 4, 5]))).toBe(2);
    expect(missing([], new Set([1]))).toBe(0);
  });

  it('publish no more than the window beyond what is confirmed, and know what was', async () => {
    const { server, port } = await listening();
    server.answersMax = 500;
    const stop = new Promise<void>((resolve) => void setTimeout(resolve, 300));
    const { published, confirmed } = await publishUntil(streams, { port, queue: 'q', round: 1 }, 100, stop);
    expect(confirmed).toEqual(Array.from({ length: 500 }, (_, number) => number));
    expect(published).toBe(600);
    expect(server.bodies.size).toBe(600);
  });

  it('take out all that is there, page by page, and see what is missing', async () => {
    const { server, port } = await listening();
    const stop = new Promise<void>((resolve) => void setTimeout(resolve, 300));
    server.answersMax = 2500;
    const { confirmed } = await publishUntil(streams, { port, queue: 'q', round: 2 }, 100, stop);
    for (const id of [1, 1001, 2500]) server.bodies.delete(id);
    server.answersMax = Number.POSITIVE_INFINITY;
    const came = new Set<number>();
    await drain(streams, { port, queue: 'q', round: 2 }, came);
    expect(confirmed.filter((number) => !came.has(number))).toEqual([0, 1000, 2499]);
    expect(server.bodies.size).toBe(0);
    expect(server.commands.filter((name) => name === 'XRANGE')).toHaveLength(3);
  });

  it('find messages of an earlier round, and do not count them', async () => {
    const { server, port } = await listening();
    server.put(bodyOf(1, 7));
    const came = new Set<number>();
    await drain(streams, { port, queue: 'q', round: 2 }, came);
    expect([...came]).toEqual([]);
    expect(server.bodies.size).toBe(0);
  });

  it('keep what came before the server ended the connection', async () => {
    const { server, port } = await listening();
    for (let number = 0; number < 1500; number++) server.put(bodyOf(2, number));
    server.endsAt = 'XDEL';
    const task = { protocol: 'streams', port, queue: 'q', round: 2, window: 1 };
    const { came, failure } = await drainInThread(task);
    expect(failure).toBe('the server has ended the connection');
    expect([came.size, Math.max(...came)]).toEqual([1000, 999]);
  });

  it('do the same with Holdfast, by its own protocol', async () => {
    const { port } = await LiveBroker.start();
    const stop = new Promise<void>((resolve) => void setTimeout(resolve, 200));
    const load = { port, queue: 'q', round: 1 };
    const { published, confirmed } = await publishUntil(protocolNamed('holdfast'), load, 10, stop);
    expect(confirmed.length).toBeGreaterThan(10);
    expect([...confirmed].sort((a, b) => a - b)).toEqual(Array.from({ length: published }, (_, number) => number));
    const came = new Set<number>();
    await drain(protocolNamed('holdfast'), load, came);
    expect(came.size).toBe(published);
    expect(missing(confirmed, came)).toBe(0);
    const again = new Set<number>();
    await drain(protocolNamed('holdfast'), load, again);
    expect(again.size).toBe(0);
  });

  it('ask a server what it is', async () => {
    const { port } = await listening();
    expect(await streamServerVersion(port)).toBe('Valkey 9.1.2');
    expect(versionIn('# Server\r\nredis_version:8.0.1\r\nos:Linux\r\n')).toBe('Redis 8.0.1');
    expect(versionIn('redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.1.2\r\n')).toBe('Valkey 9.1.2');
  });
});
