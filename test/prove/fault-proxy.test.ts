import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { FaultProxy } from '../../prove/lib/fault-proxy.ts';
import { SeededRandom } from '../support/seeded-random.ts';

/** A proxy before a server that sends back what it gets. */
async function proxied(): Promise<{
  readonly proxy: FaultProxy;
  readonly open: () => Promise<Socket>;
  readonly accepted: Socket[];
}> {
  const accepted: Socket[] = [];
  const server = createServer((socket) => {
    accepted.push(socket);
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
  return { proxy, open, accepted };
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

it.each([true, false])('halves a connection: the client goes, the server never hears of it (drains: %s)', async (drains) => {
  const { proxy, open, accepted } = await proxied();
  const [vanishing, other] = [await open(), await open()];
  expect(await echoOf(vanishing, 'x')).toBe('x');
  const port = proxy.halve(vanishing.localPort ?? 0, drains);
  const left = accepted.find(({ remotePort }) => remotePort === port);
  let heard = 0;
  left?.on('data', () => heard++);
  vanishing.write('into the void');
  vanishing.destroy();
  await closed(vanishing);
  for (let n = 0; n < 5; n++) expect(await echoOf(other, 'still here')).toBe('still here');
  expect({ heard, destroyed: left?.destroyed, ended: left?.readableEnded }).toEqual({ heard: 0, destroyed: false, ended: false });
  expect(() => proxy.halve(1, true)).toThrow('no connection comes from port 1');
});
