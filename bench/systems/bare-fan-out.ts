/** A `ws` loop without a broker: what fanning out costs when nothing is kept. */
import { join } from 'node:path';
import { startServer } from '../lib/child.ts';
import type { System } from '../lib/system.ts';

export const bareFanOut: System = {
  title: 'bare ws loop, no broker',
  durability: 'nothing is kept',
  protocol: 'holdfast',
  async start() {
    const server = await startServer({
      title: 'the bare ws loop',
      command: process.execPath,
      args: [join(import.meta.dirname, 'bare-fan-out-server.ts')],
      ready: /^(\d+)$/,
    });
    const { cpuSeconds, residentMiB, peakMiB, stop } = server;
    return { port: Number(server.ready[1]), version: process.version, cpuSeconds, residentMiB, peakMiB, stop };
  },
};
