import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { FaultProxy } from '../../prove/lib/fault-proxy.ts';
import { SeededRandom } from '../support/seeded-random.ts';

/** A proxy before a server that sends back what it gets. */
async function proxied(): Promise<{ readonly proxy: FaultProxy; readonly open: () => Promise<Socket> }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = new FaultProxy((server.address() as AddressInfo).port);
  const port = await proxy.listen();
  onTestFinished(() => {
    proxy.close();
    server.close();
  });
  const open = async (): Promise<Socket> => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  };
  return { proxy, open };
}

async function echoOf(socket: Socket, text: string): Promise<string> {
  const answer = once(socket, 'data');
  socket.write(text);
  return String((await answer)[0]);
}

/** Also when it is by a reset. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.resume().once('close', () => resolve()));
}

it('passes on what it gets, both ways', async () => {
  const { open } = await proxied();
  expect(await echoOf(await open(), 'hello')).toBe('hello');
});

it('breaks every connection, and refuses new ones until it is mended', async () => {
  const { proxy, open } = await proxied();
  const sockets = await Promise.all(Array.from({ length: 20 }, open));
  for (const socket of sockets) expect(await echoOf(socket, 'x')).toBe('x');
  const broken = Promise.all(sockets.map(closed));
  await proxy.breakAll(new SeededRandom(1));
  await broken;
  await open().then(closed, () => undefined);
  proxy.mend();
  expect(await echoOf(await open(), 'back')).toBe('back');
});
