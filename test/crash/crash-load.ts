/** Who publishes what to whom in the crash rig: every kind of publish and every manner of settling, side by side. */
import { randomUUID } from 'node:crypto';
import type { SeededRandom } from '../support/seeded-random.ts';
import { CrashConsumer, type ConsumerOptions } from './crash-consumer.ts';
import { bytesMessage, type CrashMessage, textMessage } from './crash-message.ts';
import { CrashPublisher, type PublisherOptions, type ShippedMessage, type Shipment } from './crash-publisher.ts';
import type { Door } from './door.ts';
import type { HistoryEvent } from './history.ts';

/** Queues that several consumers share. */
export const COMPETING: ReadonlySet<string> = new Set(['work']);

/** The filters that each member's inbox is bound to. */
export const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  ann: ['room.a'],
  ben: ['room.a', 'room.b'],
  cem: ['room.#'],
  dee: ['room.*', 'room.b'],
  eve: ['room.#'],
};
const ROOMS = {
  'room.a': ['@ann', '@ben', '@cem', '@dee', '@eve'],
  'room.b': ['@ben', '@cem', '@dee', '@eve'],
  'room.a room.b': ['@ann', '@ben', '@cem', '@dee', '@eve'],
} as const;

interface Stage {
  readonly random: SeededRandom;
  readonly door: Door;
  readonly history: HistoryEvent[];
}

export function consumers(stage: Stage): CrashConsumer[] {
  const manners = { nacks: 0, nackDelay: undefined, vanishes: 0, list: 1, prefetch: 50, away: false };
  const all: Omit<ConsumerOptions, keyof Stage>[] = [
    { ...manners, client: 'worker-1', queue: 'work', nacks: 0.1 },
    { ...manners, client: 'worker-2', queue: 'work', list: 10, prefetch: 20 },
    { ...manners, client: 'worker-3', queue: 'work', vanishes: 0.01, prefetch: 5 },
    { ...manners, client: 'clerk', queue: 'orders', list: 20 },
    { ...manners, client: 'ann', queue: '@ann' },
    { ...manners, client: 'ben', queue: '@ben', nacks: 0.05 },
    { ...manners, client: 'cem', queue: '@cem', nacks: 0.05, nackDelay: 50, list: 5 },
    { ...manners, client: 'dee', queue: '@dee', vanishes: 0.01 },
    // these come when all crashes are over: every message that was confirmed must be there
    { ...manners, client: 'eve', queue: '@eve', prefetch: 500, list: 100, away: true },
    { ...manners, client: 'archivist', queue: 'archive', prefetch: 500, list: 100, away: true },
  ];
  return all.map((options) => new CrashConsumer({ ...options, ...stage, random: stage.random.fork() }));
}

export function publishers(stage: Stage): CrashPublisher[] {
  const all: Omit<PublisherOptions, keyof Stage>[] = [
    { name: 'careless', window: 8, make: careless },
    { name: 'careful', window: 8, make: careful() },
    { name: 'batches', window: 2, make: batches },
    { name: 'rooms', window: 4, make: rooms },
    { name: 'bytes', window: 4, make: (n, random) => one(bytesMessage(`bytes-${n}`, random), toQueue('orders'), randomUUID()) },
  ];
  return all.map((options) => new CrashPublisher({ ...options, ...stage, random: stage.random.fork() }));
}

type Target = Pick<ShippedMessage, 'destination' | 'queues'>;

function toQueue(queue: string): Target {
  return { destination: { queue }, queues: [queue] };
}

/** With an id it is sent again until it is answered. */
function one(message: CrashMessage, target: Target, id: string | undefined): Shipment {
  return { messages: [{ message, id, ...target }], batch: undefined, retried: id !== undefined };
}

function careless(n: number, random: SeededRandom): Shipment {
  return one(textMessage(`careless-${n}`, random), toQueue(random.pick(['work', 'archive'])), undefined);
}

/** For so long an id counts as used, in ms: well within the time for which the broker remembers it, by default five minutes. */
const USED_MS_MAX = 60_000;

/** Its own ids; now and then one that was used before, with another body, or an inbox that does not exist: both are refused. */
function careful(): PublisherOptions['make'] {
  let used: { readonly id: string; readonly at: number } | undefined;
  return (n, random) => {
    const message = textMessage(`careful-${n}`, random);
    if (used !== undefined && Date.now() - used.at > USED_MS_MAX) used = undefined;
    if (used !== undefined && random.chance(0.02)) return one(message, toQueue('orders'), used.id);
    if (random.chance(0.02)) return one(message, { destination: { queue: '@nobody' }, queues: [] }, undefined);
    const id = randomUUID();
    used ??= { id, at: Date.now() };
    return one(message, toQueue(random.pick(['work', 'orders', '@ann'])), id);
  };
}

function batches(n: number, random: SeededRandom): Shipment {
  const withIds = random.chance(0.5);
  const messages = Array.from({ length: random.between(2, 20) }, (_, i) => ({
    message: textMessage(`batches-${n}-${i}`, random),
    id: withIds ? randomUUID() : undefined,
    ...toQueue(random.pick(['work', 'orders', 'archive', '@ben', '@dee'])),
  }));
  return { messages, batch: `batches-${n}`, retried: withIds };
}

function rooms(n: number, random: SeededRandom): Shipment {
  const room = random.pick<keyof typeof ROOMS>(['room.a', 'room.b', 'room.a room.b']);
  const topics = room.split(' ');
  const destination = topics.length === 1 ? { topic: room } : { topics };
  return one(
    textMessage(`rooms-${n}`, random),
    { destination, queues: ROOMS[room] },
    random.chance(0.7) ? randomUUID() : undefined,
  );
}
