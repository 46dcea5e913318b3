import pino from 'pino';
import { connect } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../../src/protocol/native/limits.ts';
import { sharedTokenAuthority } from '../../src/server/auth/shared-token.ts';
import { Server } from '../../src/server/server.ts';
import { failOnLeaks } from '../support/leak-check.ts';
import { LiveBroker } from '../support/live-broker.ts';
import type { ConnectOptions } from '../support/raw-client.ts';
import { bounded } from '../support/wire-client.ts';

failOnLeaks();

const TOKEN = 'a-token-of-sixteen-characters-or-more';

async function refusal(broker: LiveBroker, path: string, options: ConnectOptions = {}): Promise<string> {
  try {
    await broker.connect(path, options);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return 'let in';
}

describe('a handshake is refused', () => {
  it('when only unknown subprotocols are offered', async () => {
    const broker = await LiveBroker.start();
    expect(await refusal(broker, '/', { subprotocols: ['mqtt', 'stomp'] })).toMatch(
      /^400: no known subprotocol among mqtt, stomp/,
    );
  });

  it('when the path, the client or a parameter is not what it should be', async () => {
    const broker = await LiveBroker.start();
    const bad = ['/a/b', '/%61', '//evil', '/-', `/${'n'.repeat(129)}`, '/?client=', '/?client=@a', '/?client=%20', '/?cleint=a'];
    for (const path of [...bad, '/?arrays=2', '/?arrays=true']) expect(await refusal(broker, path), path).toMatch(/^400: /);
  });

  it('when the origin is neither the broker’s own nor an allowed one', async () => {
    const broker = await LiveBroker.start({ allowedOrigins: ['https://app.example.com'] });
    expect(await refusal(broker, '/', { origin: 'https://evil.example' })).toMatch(/^403: pages of https:\/\/evil.example/);
    expect(await refusal(broker, '/', { origin: 'null' })).toMatch(/^403/);
    expect(await refusal(broker, '/', { origin: 'https://app.example.com' })).toBe('let in');
    expect(await refusal(broker, '/', { origin: broker.http })).toBe('let in');
  });

  it('when a broker without a token is asked by another name than this machine’s', async () => {
    const broker = await LiveBroker.start();
    const headers = { host: `rebound.example:${broker.port}` };
    const origin = `http://rebound.example:${broker.port}`;
    expect(await refusal(broker, '/', { headers, origin })).toMatch(/^403: this broker has no token/);
    for (const host of ['localhost', '127.0.0.1', '[::1]', 'LOCALHOST:1'])
      expect(await refusal(broker, '/', { headers: { host } }), host).toBe('let in');
    for (const host of ['127.0.0.1.evil.example', 'localhost.evil.example'])
      expect(await refusal(broker, '/', { headers: { host } }), host).toMatch(/^403/);
  });

  it('when the token in its header is wrong', async () => {
    const broker = await LiveBroker.start({ token: TOKEN });
    const refused = await refusal(broker, '/', { headers: { authorization: `Bearer ${TOKEN}x` } });
    expect(refused).toBe('401: the token is wrong');
    expect(refused).not.toContain(TOKEN);
  });

  it('when there are as many connections as there may be', async () => {
    const broker = await LiveBroker.start({ server: { connectionsMax: 1 } });
    const first = await broker.connect();
    expect(await refusal(broker, '/')).toMatch(/^503: .*connections-max/);
    await first.close();
    while (broker.server.connections > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(await refusal(broker, '/')).toBe('let in');
  });

  it('and the socket does not stay open, even when the client keeps its side', async () => {
    const broker = await LiveBroker.start();
    const socket = connect({ port: broker.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.write(
      'GET /bad/path HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    socket.resume();
    await bounded(once(socket, 'end'), 'the end');
    socket.on('error', () => undefined);
    socket.destroy();
  });
});

describe('a client is let in', () => {
  it('that offers no subprotocol, or ours among others, and speaks ours', async () => {
    const broker = await LiveBroker.start();
    expect((await broker.connect('/', { subprotocols: [] })).socket.protocol).toBe('');
    expect((await broker.connect('/', { subprotocols: ['x', 'holdfast.v1'] })).socket.protocol).toBe('holdfast.v1');
  });

  it('that shows the token in its header, and is welcomed at once when the URL names it', async () => {
    const broker = await LiveBroker.start({ token: TOKEN });
    const client = await broker.connect('/?client=a', { headers: { authorization: `bearer ${TOKEN}` } });
    expect(await client.next()).toMatchObject({ type: 'welcome', client: 'a' });
  });

  it('that shows the token in hello, and not before', async () => {
    const broker = await LiveBroker.start({ token: TOKEN });
    const client = await broker.connect('/?client=a');
    client.send(JSON.stringify({ type: 'hello', ref: 1, token: TOKEN }));
    expect(await client.next()).toMatchObject({ type: 'welcome', ref: 1, client: 'a' });
  });

  it('is closed with 4101 when hello shows a wrong token or the first frame is another one', async () => {
    const broker = await LiveBroker.start({ token: TOKEN });
    for (const frame of ['{"type":"hello","ref":1,"token":"wrong"}', '{"type":"hello","ref":1}', '{"type":"ping","ref":1}']) {
      const client = await broker.connect();
      client.send(frame);
      expect(await client.next()).toMatchObject({ type: 'error', ref: 1, code: 'unauthenticated', retryable: false });
      expect(await client.closed).toBe(4101);
    }
  });

  it('is closed with 4101 when it says nothing in time', async () => {
    const broker = await LiveBroker.start({ token: TOKEN, server: { helloTimeoutMs: 20 } });
    const client = await broker.connect();
    expect(await bounded(client.closed, 'the close')).toBe(4101);
  });
});

describe('over HTTP', () => {
  it('says that it is starting until it has a broker', async () => {
    const silent = pino({ level: 'silent' });
    const server = new Server({
      log: silent,
      version: '0.0.0-test',
      authority: sharedTokenAuthority(undefined),
      host: '127.0.0.1',
      port: 0,
      origins: { allowed: [], loopbackOnly: true },
      limits: DEFAULT_LIMITS,
      outboundBytesMax: 1024,
      outboundTotalBytesMax: 1024,
      connectionsMax: 1,
      heartbeatMs: 30_000,
      helloTimeoutMs: 10_000,
      afterTurn: setImmediate,
    });
    const port = await server.listen();
    const ready = await fetch(`http://127.0.0.1:${port}/health/ready`, { headers: { connection: 'close' } });
    expect([ready.status, await ready.text()]).toEqual([503, 'starting\n']);
    await server.drain(1000);
  });

  it('tells its health, refuses what it does not have, and shows a page', async () => {
    const broker = await LiveBroker.start();
    const status = async (path: string, method = 'GET') =>
      (await fetch(`${broker.http}${path}`, { method, headers: { connection: 'close' } })).status;
    expect(await status('/health/live')).toBe(200);
    expect(await status('/health/ready')).toBe(200);
    expect(await status('/health/ready?x=1', 'HEAD')).toBe(200);
    expect(await status('/health/ready', 'POST')).toBe(405);
    expect(await status('/nothing')).toBe(404);
    const page = await fetch(broker.http, { headers: { connection: 'close' } });
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(await page.text()).toContain('Holdfast');
  });

  it.each([
    ['nothing', ''],
    ['half a handshake', 'GET /?client=c HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgr'],
    ['a request whose body never comes', 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n'],
  ])('closes a connection that sends %s, in time', async (_, sent) => {
    const broker = await LiveBroker.start({ server: { helloTimeoutMs: 100 } });
    const socket = connect({ port: broker.port, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.write(sent);
    await bounded(once(socket.resume(), 'close'), 'the close', 3000);
  });
});
