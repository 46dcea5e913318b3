/**
 * The peers by the names that the command line calls them by. Each is a command in PATH, or what an environment variable says: a
 * command line, or the address of a server that runs already.
 */
import process from 'node:process';
import type { System } from '../lib/system.ts';
import { natsVersion } from '../protocols/nats.ts';
import { stompServerVersion } from '../protocols/stomp.ts';
import { mosquitto } from './mosquitto.ts';
import { jetStream, jetStreamSyncAlways } from './nats.ts';
import { type PeerCommand, peerCommand } from './peer-command.ts';
import { rabbitMqQueues, rabbitMqSessions } from './rabbitmq.ts';
import { runningServer, type RunningServer } from './running-server.ts';
import { socketIo } from './socket-io.ts';

interface Peer {
  readonly command: string;
  /** The environment variable with a command line. */
  readonly variable: string;
  readonly systems: (command: PeerCommand) => readonly System[];
  /** What it is taken for if it runs already, by the environment variable with its address. */
  readonly running: Readonly<Record<string, RunningServer>>;
}

const INSTALLED: Readonly<Record<string, Peer>> = {
  nats: {
    command: 'nats-server',
    variable: 'BENCH_NATS_SERVER',
    systems: (command) => [jetStream(command), jetStreamSyncAlways(command)],
    running: {
      BENCH_NATS_URL: {
        title: 'JetStream, as it runs',
        protocol: 'nats',
        suits: ['queues', 'backlogs', 'topics', 'inboxes'],
        version: natsVersion,
      },
    },
  },
  rabbitmq: {
    command: 'rabbitmq-server',
    variable: 'BENCH_RABBITMQ_SERVER',
    systems: (command) => [rabbitMqQueues(command), rabbitMqSessions(command)],
    running: {
      BENCH_RABBITMQ_STOMP_URL: {
        title: 'RabbitMQ, quorum queue, as it runs',
        protocol: 'stomp',
        suits: ['queues', 'backlogs'],
        version: stompServerVersion,
      },
      BENCH_RABBITMQ_MQTT_URL: {
        title: 'RabbitMQ, MQTT sessions, as it runs',
        protocol: 'mqtt',
        suits: ['topics', 'inboxes'],
        version: () => Promise.resolve('unknown'),
      },
    },
  },
  mosquitto: {
    command: 'mosquitto',
    variable: 'BENCH_MOSQUITTO',
    systems: (command) => [mosquitto(command)],
    running: {
      BENCH_MOSQUITTO_URL: {
        title: 'Mosquitto, as it runs',
        protocol: 'mqtt',
        suits: ['queues', 'backlogs', 'topics', 'inboxes'],
        version: () => Promise.resolve('unknown'),
      },
    },
  },
};

const SOCKET_IO = 'socket-io';

export const peerNames: readonly string[] = [...Object.keys(INSTALLED), SOCKET_IO];

/** What there is of these peers. With `all`, those that are missing are told of on stderr. @throws if one that is named is missing */
export function peerSystems(wanted: readonly string[] | 'all'): readonly System[] {
  const names = wanted === 'all' ? peerNames : wanted;
  return names.flatMap((name) => {
    const peer = INSTALLED[name];
    if (peer === undefined) return name === SOCKET_IO ? [socketIo] : [];
    const systems = systemsOf(peer);
    if (systems !== undefined) return systems;
    const missing = `${name}: there is no ${peer.command} in PATH; ${peer.variable} may hold the command line that starts it`;
    if (wanted !== 'all') throw new Error(missing);
    process.stderr.write(`bench: without ${missing}\n`);
    return [];
  });
}

/** What runs already goes before what could be started. Undefined if there is neither. */
function systemsOf({ running, command, variable, systems }: Peer): readonly System[] | undefined {
  const found = Object.entries(running).flatMap(([address, server]) => {
    const url = process.env[address] ?? '';
    return url === '' ? [] : [runningServer(url, server)];
  });
  if (found.length > 0) return found;
  const start = peerCommand(command, variable);
  return start === undefined ? undefined : systems(start);
}
