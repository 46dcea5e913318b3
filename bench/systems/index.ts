/** The peers by the names that the command line calls them by. */
import type { System } from '../lib/system.ts';
import { mosquitto } from './mosquitto.ts';
import { jetStream, jetStreamSyncAlways } from './nats.ts';
import { type PeerCommand, peerCommand } from './peer-command.ts';
import { rabbitMqQueues, rabbitMqSessions } from './rabbitmq.ts';
import { socketIo } from './socket-io.ts';

interface Peer {
  /** As one calls it where it is installed, and the environment variable that says how to call it otherwise. */
  readonly command: string;
  readonly variable: string;
  readonly systems: (command: PeerCommand) => readonly System[];
}

const INSTALLED: Readonly<Record<string, Peer>> = {
  nats: {
    command: 'nats-server',
    variable: 'BENCH_NATS_SERVER',
    systems: (command) => [jetStream(command), jetStreamSyncAlways(command)],
  },
  rabbitmq: {
    command: 'rabbitmq-server',
    variable: 'BENCH_RABBITMQ_SERVER',
    systems: (command) => [rabbitMqQueues(command), rabbitMqSessions(command)],
  },
  mosquitto: { command: 'mosquitto', variable: 'BENCH_MOSQUITTO', systems: (command) => [mosquitto(command)] },
};

const SOCKET_IO = 'socket-io';

export const peerNames: readonly string[] = [...Object.keys(INSTALLED), SOCKET_IO];

/** What there is of these peers. With `all`, those that are missing are told of on stderr. @throws if one that is named is missing */
export function peerSystems(wanted: readonly string[] | 'all'): readonly System[] {
  const names = wanted === 'all' ? peerNames : wanted;
  return names.flatMap((name) => {
    const peer = INSTALLED[name];
    if (peer === undefined) return name === SOCKET_IO ? [socketIo] : [];
    const command = peerCommand(peer.command, peer.variable);
    if (command !== undefined) return peer.systems(command);
    const missing = `${name}: there is no ${peer.command} in PATH; ${peer.variable} may hold the command line that starts it`;
    if (wanted !== 'all') throw new Error(missing);
    process.stderr.write(`bench: without ${missing}\n`);
    return [];
  });
}
