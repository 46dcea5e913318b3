/** Valkey, or Redis, which takes the same settings: on a free port, with its data in a directory of its own. */
import { mkdirSync } from 'node:fs';
import { startServer } from '../../bench/lib/child.ts';
import type { KillableServer } from '../../bench/lib/system.ts';
import { freePort } from '../../bench/systems/free-port.ts';
import type { PeerCommand } from '../../bench/systems/peer-command.ts';
import { streamServerVersion } from './stream-protocol.ts';

/** When it writes to the disk: https://valkey.io/topics/persistence/ */
export type Persistence = 'snapshots' | 'everysec' | 'always';

/** On the data in that directory, if there is any. */
export async function startValkey(
  { command, args }: PeerCommand,
  directory: string,
  persistence: Persistence,
): Promise<KillableServer> {
  mkdirSync(directory, { recursive: true });
  const port = await freePort();
  const server = await startServer({
    title: 'Valkey',
    command,
    args: [...args, '--port', String(port), '--bind', '127.0.0.1', '--dir', directory, ...settingsOf(persistence)],
    ready: /Ready to accept connections/,
  });
  const { cpuSeconds, residentMiB, peakMiB, stop, kill, freeze } = server;
  return { port, version: await streamServerVersion(port), cpuSeconds, residentMiB, peakMiB, stop, kill, freeze };
}

/** Snapshots as they are by default, said all the same so that a configuration file of the machine doesn't change them. */
function settingsOf(persistence: Persistence): readonly string[] {
  const snapshots = ['--save', '3600 1 300 100 60 10000'];
  return persistence === 'snapshots'
    ? [...snapshots, '--appendonly', 'no']
    : [...snapshots, '--appendonly', 'yes', '--appendfsync', persistence];
}
