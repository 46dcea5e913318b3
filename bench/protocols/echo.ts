/** What the echo server speaks: it answers each publish with a message that carries the same body, and can do nothing else. */
import type { Connection, ConnectOptions, Protocol } from '../lib/protocol.ts';
import { RawSocket } from '../lib/raw-socket.ts';

export const echo: Protocol = {
  connect,
  declareQueue: () => Promise.resolve(),
  deleteQueue: () => Promise.resolve(),
};

async function connect({ port, events }: ConnectOptions): Promise<Connection> {
  let sent = 0;
  const socket = await RawSocket.connect({
    port,
    path: '/',
    received: () => events.confirmed?.(1),
    turnEnded: () => events.turnEnded?.(),
  });
  return {
    publish: (queue, body) => socket.send(`{"type":"publish","ref":${sent++},"queue":"${queue}","body":${body}}`),
    subscribe: () => Promise.reject(new Error('the echo server has no subscriptions')),
    ack() {
      throw new Error('the echo server delivers nothing');
    },
    flush: () => socket.flush(),
    close: () => socket.close(),
  };
}
