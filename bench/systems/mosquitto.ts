/** Mosquitto, MQTT over WebSockets, without the limits that would have it drop or hold back messages under these loads. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startServer } from '../lib/child.ts';
import type { System } from '../lib/system.ts';
import { freePort } from './free-port.ts';
import type { PeerCommand } from './peer-command.ts';

export function mosquitto({ command, args }: PeerCommand): System {
  return {
    title: 'Mosquitto',
    durability: 'in memory',
    protocol: 'mqtt',
    suits: ['queues', 'backlogs', 'topics', 'inboxes'],
    async start(directory) {
      mkdirSync(directory, { recursive: true });
      const port = await freePort();
      const file = join(directory, 'mosquitto.conf');
      writeFileSync(file, configuration(port));
      // on its standard input, so that it may live in a file system of its own
      const server = await startServer({
        title: 'Mosquitto',
        command: 'sh',
        args: ['-c', 'file=$1; shift; exec "$@" -c /dev/stdin <"$file"', 'sh', file, command, ...args],
        ready: /mosquitto version (\S+) running/,
      });
      const { cpuSeconds, residentMiB, peakMiB, stop } = server;
      return { port, version: server.ready[1] ?? '', cpuSeconds, residentMiB, peakMiB, stop };
    },
  };
}

/** 0 is no limit: https://mosquitto.org/man/mosquitto-conf-5.html */
function configuration(port: number): string {
  return `
listener ${port} 127.0.0.1
protocol websockets
allow_anonymous true
max_inflight_messages 65534
max_queued_messages 0
connection_messages false
packet_buffer_size 16384
`;
}
