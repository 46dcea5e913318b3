import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { connect } from '../../src/client/index.ts';
import { startBroker } from '../support/start-broker.ts';
import { sdkClient, status, take } from '../support/sdk-client.ts';

const TOKEN = 'a-token-of-this-test';

describe('connecting with the SDK', () => {
  test('fails when there is no broker, unless told to wait for one', async () => {
    const broker = await startBroker();
    await broker.kill9();
    await expect(connect(broker.url)).rejects.toMatchObject({ code: 'unreachable', retryable: true });
    const waiting = sdkClient(broker.url, { reconnect: { initially: true, delayMin: 10, delayMax: 50 } });
    await broker.start();
    expect((await waiting).isConnected).toBe(true);
  });

  test('shows the token, and is not let in with a wrong one', async () => {
    const broker = await startBroker(['--token', TOKEN]);
    await expect(connect(broker.url)).rejects.toMatchObject({ code: 'unauthenticated', retryable: false });
    await expect(connect(broker.url, { token: 'wrong' })).rejects.toMatchObject({ code: 'unauthenticated' });
    expect((await sdkClient(broker.url, { token: TOKEN, client: 'alice' })).name).toBe('alice');
  });

  test('reaches one namespace, which shares nothing with another', async () => {
    const broker = await startBroker();
    const [here, there] = [await sdkClient(broker.url), await sdkClient(broker.url, { namespace: 'shop' })];
    await here.publish({ queue: 'q' }, 1);
    expect((await there.subscribe({ queue: 'q' }).ready).waiting).toBe(0);
  });

  test('ends the older client of the same name for good, and everything that it waits for', async () => {
    const broker = await startBroker();
    const older = await sdkClient(broker.url, { client: 'alice' });
    const inbox = older.subscribe({});
    await inbox.ready;
    const next = inbox.next();
    const newer = await sdkClient(broker.url, { client: 'alice' });
    await expect(next).rejects.toMatchObject({ code: 'taken_over', retryable: false });
    expect(await older.closed).toMatchObject({ code: 'taken_over' });
    await expect(older.publish({ queue: 'q' }, 1)).rejects.toMatchObject({ code: 'taken_over' });
    expect(() => older.subscribe({ queue: 'q' })).toThrow(/closed the connection with 4100/);
    expect(newer.isConnected).toBe(true);
  });

  test('tells what happens', async () => {
    const broker = await startBroker();
    const client = await sdkClient(broker.url, { client: 'alice' });
    const seen: string[] = [];
    client.onStatus(({ type, ...rest }) => seen.push('code' in rest ? `${type} ${rest.code}` : type));
    const back = status(client, 'connected');
    await broker.stop();
    await broker.start();
    expect(await back).toMatchObject({ client: 'alice', resumed: true });
    await client.close();
    expect(seen.filter((type, at) => type !== seen[at - 1])).toEqual(['notice draining', 'disconnected', 'connected', 'closed']);
    expect(await client.closed).toBeUndefined();
  });

  test('refuses what is unanswered when it is closed, and ends loops without an error', async () => {
    const broker = await startBroker();
    const client = await sdkClient(broker.url);
    const next = client.subscribe({ queue: 'q' }).next();
    await broker.kill9();
    const publish = client.publish({ queue: 'q' }, 1);
    const refusal = publish.catch((error: unknown) => error);
    await client.close();
    expect(await refusal).toMatchObject({ code: 'closed' });
    expect(await next).toEqual({ done: true, value: undefined });
  });

  test('gives up after as many attempts as it was told', async () => {
    const broker = await startBroker();
    const client = await sdkClient(broker.url, { reconnect: { delayMin: 1, delayMax: 1, attemptsMax: 3 } });
    await broker.kill9();
    expect(await client.closed).toMatchObject({ code: 'unreachable' });
  });

  test('drains: waits for what loops have taken and for what was sent, then closes', async () => {
    const broker = await startBroker();
    const client = await sdkClient(broker.url);
    await client.publishMany([1, 2].map((body) => ({ queue: 'q', body })));
    const [message] = await take(client.subscribe({ queue: 'q' }), 1);
    const published = client.publish({ queue: 'other' }, 1);
    const drained = client.drain();
    expect(await published).toMatchObject({ queues: 1 });
    expect(client.isConnected).toBe(true);
    expect(await message?.ack()).toBe(true);
    await drained;
    expect(client.isConnected).toBe(false);
    const other = await sdkClient(broker.url);
    expect((await take(other.subscribe({ queue: 'q' }), 1))[0]?.body).toBe(2);
  });

  test('gives up a broker that says no welcome', async () => {
    const { url } = await fakeBroker(() => undefined);
    const refusal = { code: 'unreachable', message: expect.stringContaining('no welcome') as string };
    await expect(connect(url, { connectTimeout: 50 })).rejects.toMatchObject(refusal);
  });

  test('connects again when the broker has fallen silent', async () => {
    const broker = await fakeBroker((socket, text) => {
      if (text.includes('"hello"')) socket.send(WELCOME);
    });
    const client = await sdkClient(broker.url, { heartbeat: 20 });
    expect(await status(client, 'disconnected')).toMatchObject({
      error: { code: 'connection_lost', message: 'the broker has fallen silent' },
    });
    await status(client, 'connected');
    expect(broker.received.filter((text) => text === '{"type":"ping"}').length).toBeGreaterThan(0);
  });

  test('stays with a broker that answers pings', async () => {
    const broker = await fakeBroker((socket, text) => socket.send(text.includes('"hello"') ? WELCOME : '{"type":"pong"}'));
    const client = await sdkClient(broker.url, { heartbeat: 20 });
    await broker.hasReceived(5);
    expect(client.isConnected).toBe(true);
    expect(broker.connections()).toBe(1);
  });

  test('ends for good when a frame of its own was refused as a whole, instead of repeating it for ever', async () => {
    const broker = await fakeBroker((socket, text) => {
      const refusal = '{"type":"error","code":"too_large","message":"nested too deep","retryable":false}';
      socket.send(text.includes('"hello"') ? WELCOME : refusal);
    });
    const client = await sdkClient(broker.url);
    await expect(client.publish({ queue: 'q' }, 1)).rejects.toMatchObject({ code: 'too_large' });
    expect(await client.closed).toMatchObject({ code: 'too_large' });
  });
});

const WELCOME =
  '{"type":"welcome","ref":0,"client":"a","resumed":false,"inbox":{"queue":"@a","waiting":0,"unacked":0},"lost":[],' +
  '"limits":{},"server":{"name":"fake","version":"0"}}';

/** A WebSocket server that answers as it is told. */
async function fakeBroker(answer: (socket: WebSocket, text: string) => void) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  const received: string[] = [];
  let connections = 0;
  let look: () => void = () => undefined;
  server.on('connection', (socket) => {
    connections++;
    socket.on('message', (data: Buffer) => {
      received.push(String(data));
      answer(socket, String(data));
      look();
    });
  });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const hasReceived = (count: number): Promise<void> =>
    new Promise((resolve) => {
      look = () => void (received.length >= count && resolve());
      look();
    });
  return { url: `ws://127.0.0.1:${port}`, received, connections: () => connections, hasReceived };
}
