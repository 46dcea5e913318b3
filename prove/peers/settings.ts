/**
 * What is put on the rig: each peer as it comes, and with the settings that its documents call safest. A confirm is what they say
 * that one is: JetStream's PubAck, RabbitMQ's publisher confirm of a persistent message in a durable queue, the answer to XADD.
 * The promises are theirs: docs.nats.io/reference/config/jetstream/sync_interval, rabbitmq.com/docs/confirms and, of fsync,
 * rabbitmq.com/blog/2025/01/17/how-are-the-messages-stored, valkey.io/topics/persistence.
 */
import { join } from 'node:path';
import type { KillableServer } from '../../bench/lib/system.ts';
import { startHoldfast } from '../../bench/systems/holdfast.ts';
import { JETSTREAM_SYNC_ALWAYS, startJetStream } from '../../bench/systems/nats.ts';
import { type PeerCommand, peerCommand } from '../../bench/systems/peer-command.ts';
import { startRabbitMq } from '../../bench/systems/rabbitmq.ts';
import { type Persistence, startValkey } from './valkey.ts';

/** On the data in that directory, if there is any. */
export type Start = (directory: string) => Promise<KillableServer>;

export interface Setting {
  readonly id: string;
  /** Before its version; empty where the version says it. */
  readonly product: string;
  readonly title: string;
  /** What its documents say of a confirmed message if the power fails. */
  readonly promise: string;
  /** As client-worker.ts knows it. */
  readonly protocol: string;
  /** Undefined if there is no command for it. */
  readonly find: () => Start | undefined;
  /** Where its command may come from. */
  readonly from: string;
}

const NATS = { product: 'NATS', protocol: 'nats', from: 'nats-server in PATH, or BENCH_NATS_SERVER' };
const RABBITMQ = { product: 'RabbitMQ', from: 'rabbitmq-server in PATH, or BENCH_RABBITMQ_SERVER' };
const VALKEY = { product: '', protocol: 'streams', from: 'valkey-server or redis-server in PATH, or BENCH_VALKEY_SERVER' };

const startValkeyWith = (persistence: Persistence) => (command: PeerCommand, directory: string) =>
  startValkey(command, directory, persistence);

export const settings: readonly Setting[] = [
  {
    id: 'holdfast',
    product: 'Holdfast',
    title: 'default',
    promise: 'on disk',
    protocol: 'holdfast',
    find: () => startOwn,
    from: 'this repository',
  },
  {
    ...NATS,
    id: 'nats',
    title: 'JetStream, default',
    promise: 'may be lost: fsync every 2 minutes',
    find: withCommand(startJetStream, 'BENCH_NATS_SERVER', 'nats-server'),
  },
  {
    ...NATS,
    id: 'nats-always',
    title: 'JetStream, `sync_interval: always`',
    promise: 'on disk: fsync at each write',
    find: withCommand(
      (command, directory) => startJetStream(command, directory, JETSTREAM_SYNC_ALWAYS),
      'BENCH_NATS_SERVER',
      'nats-server',
    ),
  },
  {
    ...RABBITMQ,
    id: 'rabbitmq',
    title: 'classic queue, durable, persistent messages',
    promise: 'may be lost: written, but no fsync',
    protocol: 'stomp-classic',
    find: withCommand(startStomp, 'BENCH_RABBITMQ_SERVER', 'rabbitmq-server'),
  },
  {
    ...RABBITMQ,
    id: 'rabbitmq-quorum',
    title: 'quorum queue',
    promise: 'fsynced by a majority of nodes (here, of one)',
    protocol: 'stomp',
    find: withCommand(startStomp, 'BENCH_RABBITMQ_SERVER', 'rabbitmq-server'),
  },
  {
    ...VALKEY,
    id: 'valkey',
    title: 'stream, default (snapshots)',
    promise: 'the latest minutes may be lost',
    find: withCommand(startValkeyWith('snapshots'), 'BENCH_VALKEY_SERVER', 'valkey-server', 'redis-server'),
  },
  {
    ...VALKEY,
    id: 'valkey-everysec',
    title: 'stream, `appendonly yes`, `appendfsync everysec`',
    promise: 'a second may be lost',
    find: withCommand(startValkeyWith('everysec'), 'BENCH_VALKEY_SERVER', 'valkey-server', 'redis-server'),
  },
  {
    ...VALKEY,
    id: 'valkey-always',
    title: 'stream, `appendonly yes`, `appendfsync always`',
    promise: 'on disk: fsync before each answer',
    find: withCommand(startValkeyWith('always'), 'BENCH_VALKEY_SERVER', 'valkey-server', 'redis-server'),
  },
];

async function startOwn(directory: string): Promise<KillableServer> {
  const { process: own, ...server } = await startHoldfast(join(directory, 'data'));
  return { ...server, freeze: own.freeze, kill: own.kill };
}

function startStomp(command: PeerCommand, directory: string): Promise<KillableServer> {
  return startRabbitMq(command, directory, 'stomp');
}

/** The first of the commands that is there, or what the environment variable says instead. */
function withCommand(
  start: (command: PeerCommand, directory: string) => Promise<KillableServer>,
  variable: string,
  ...names: readonly string[]
): () => Start | undefined {
  return () => {
    const found = names.map((name) => peerCommand(name, variable)).find((command) => command !== undefined);
    return found === undefined ? undefined : (directory) => start(found, directory);
  };
}

/** Those of these ids, in the order of the list. @throws for an id that is none */
export function settingsNamed(ids: readonly string[]): readonly Setting[] {
  const unknown = ids.find((id) => settings.every((setting) => setting.id !== id));
  if (unknown !== undefined)
    throw new Error(`there is no setting ${unknown}; there are ${settings.map(({ id }) => id).join(', ')}`);
  return ids.length === 0 ? settings : settings.filter(({ id }) => ids.includes(id));
}
