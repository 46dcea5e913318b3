/** Socket.IO, what many build without a broker: a relay in Node that keeps nothing. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { startServer } from '../lib/child.ts';
import type { System } from '../lib/system.ts';

export const socketIo: System = {
  title: 'Socket.IO',
  durability: 'nothing stored',
  protocol: 'socket-io',
  suits: ['queues', 'topics'],
  async start() {
    const server = await startServer({
      title: 'the Socket.IO relay',
      command: process.execPath,
      args: [join(import.meta.dirname, 'socket-io-server.ts')],
      ready: /^(\d+)$/,
    });
    const { version } = createRequire(import.meta.url)('socket.io/package.json') as { version: string };
    const { cpuSeconds, residentMiB, peakMiB, stop } = server;
    return { port: Number(server.ready[1]), version, cpuSeconds, residentMiB, peakMiB, stop };
  },
};
