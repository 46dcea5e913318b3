/** The ceiling of one thread: `ws` and JSON both ways, no broker behind. */
import { join } from 'node:path';
import { startServer } from '../lib/child.ts';
import type { System } from '../lib/system.ts';

export const echo: System = {
  title: 'ceiling: ws + JSON there and back, no broker',
  durability: 'nothing is kept',
  protocol: 'echo',
  async start() {
    const server = await startServer({
      title: 'the echo server',
      command: process.execPath,
      args: [join(import.meta.dirname, 'echo-server.ts')],
      ready: /^(\d+)$/,
    });
    const { cpuSeconds, residentMiB, peakMiB, stop } = server;
    return { port: Number(server.ready[1]), version: `Node ${process.versions.node}`, cpuSeconds, residentMiB, peakMiB, stop };
  },
};
