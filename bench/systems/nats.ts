/** NATS JetStream, with its default settings but for the WebSocket listener, and with an fsync for each write. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startServer } from '../lib/child.ts';
import type { KillableServer, System } from '../lib/system.ts';
import { natsVersion } from '../protocols/nats.ts';
import type { PeerCommand } from './peer-command.ts';

export const JETSTREAM_SYNC_ALWAYS = 'sync_interval: always';

/** The default `sync_interval` is two minutes: https://docs.nats.io/reference/config/jetstream/sync_interval */
export function jetStream(command: PeerCommand): System {
  return system(command, 'JetStream, default', 'fsync every 2 min', '');
}

export function jetStreamSyncAlways(command: PeerCommand): System {
  return system(command, 'JetStream, sync always', 'fsync before each confirm', JETSTREAM_SYNC_ALWAYS);
}

function system(command: PeerCommand, title: string, durability: string, setting: string): System {
  return {
    title,
    durability,
    protocol: 'nats',
    suits: ['queues', 'backlogs', 'topics', 'inboxes'],
    start: (directory) => startJetStream(command, directory, setting),
  };
}

/** On the data in that directory, if there is any. @param setting one more line about JetStream */
export async function startJetStream(command: PeerCommand, directory: string, setting = ''): Promise<KillableServer> {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, 'nats.conf');
  writeFileSync(file, configuration(join(directory, 'jetstream'), setting));
  const server = await startServer({
    title: 'NATS',
    command: command.command,
    args: [...command.args, '-c', file],
    ready: /Listening for websocket clients on ws:.*:(\d+)/,
  });
  const port = Number(server.ready[1]);
  const { cpuSeconds, residentMiB, peakMiB, stop, kill, freeze } = server;
  return { port, version: await natsVersion(port), cpuSeconds, residentMiB, peakMiB, stop, kill, freeze };
}

function configuration(directory: string, setting: string): string {
  return `
listen: "127.0.0.1:-1"
websocket { listen: "127.0.0.1:-1", no_tls: true }
jetstream { store_dir: ${JSON.stringify(directory)}, ${setting} }
`;
}
