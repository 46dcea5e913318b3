/** S6: ten million messages wait in one queue. */
import { startDriver } from '../lib/child.ts';
import { loadedSystem } from '../lib/loaded-system.ts';
import type { BenchOptions, Contender, Scenario, Target } from '../lib/scenario.ts';
import { sharedSystem } from '../lib/shared-system.ts';
import type { Server, System } from '../lib/system.ts';
import { compared } from '../lib/targets.ts';
import { holdfast } from '../systems/holdfast.ts';
import { throughOneQueue } from './s01-one-queue.ts';

const WAITING = 10_000_000;
const DRAINED = 300_000;
const WINDOW = 1000;
const QUEUE = 'waiting';
const BUILT_WITHIN_MS = 25 * 60_000;
const MEMORY_MB_MAX = 300;

const EMPTY = 'Holdfast, S1 with nothing waiting';
const BESIDE = 'Holdfast, S1 with 10 million waiting in another queue';
const DRAINING = 'Holdfast, draining the 10 million';

export const deepQueue: Scenario = {
  id: 's6',
  title: 'Ten million messages waiting in one queue',
  description:
    '10,000,000 messages of 256 bytes are published to one queue. Then, in turn: S1 on an empty broker; S1 on another queue of the ' +
    'broker where they wait; a consumer with a prefetch of 1,000 that takes 300,000 of them and acknowledges each by itself. ' +
    "Memory is the broker's highest, from its start on.",
  unit: 'messages/s',
  better: 'more',
  warmUpRounds: 4,
  rounds: 5,
  contenders(options) {
    const crowded = sharedSystem(holdfast, (server) => fill(server, Math.ceil(WAITING * options.scale)));
    return [throughOneQueue(options, holdfast, EMPTY), throughOneQueue(options, crowded, BESIDE), draining(options, crowded)];
  },
  targets: [
    compared({
      text: 'S1 beside them: ≥ 0.9 × that of an empty broker',
      of: BESIDE,
      with: only(EMPTY),
      better: 'more',
      atLeast: 0.9,
    }),
    compared({ text: 'draining: ≥ 0.7 × S1', of: DRAINING, with: only(EMPTY), better: 'more', atLeast: 0.7 }),
    memoryTarget(),
  ],
};

async function fill(server: Server, messages: number): Promise<void> {
  const driver = await startDriver();
  try {
    await driver.run(
      {
        load: 'backlog',
        protocol: holdfast.protocol,
        port: server.port,
        queue: QUEUE,
        queues: 1,
        messagesPerQueue: messages,
        publishers: 1,
        window: WINDOW,
        bodies: { kind: 'same', bytes: 256 },
      },
      { deadlineMs: BUILT_WITHIN_MS },
    );
  } finally {
    driver.stop();
  }
}

function draining({ directory, scale }: BenchOptions, system: System): Contender {
  return loadedSystem({
    system,
    name: DRAINING,
    directory,
    runOf: (port) => ({
      load: 'drain',
      protocol: system.protocol,
      port,
      queue: QUEUE,
      messages: Math.ceil(DRAINED * scale),
      prefetch: WINDOW,
    }),
  });
}

function only(name: string): RegExp {
  return new RegExp(`^${name}$`);
}

function memoryTarget(): Target {
  return {
    text: `memory ≤ ${MEMORY_MB_MAX} MB`,
    judge(samples) {
      const own = [...(samples.get(BESIDE) ?? []), ...(samples.get(DRAINING) ?? [])];
      if (own.length === 0) return undefined;
      const megabytes = (Math.max(...own.map(({ peakMiB }) => peakMiB)) * 1024 * 1024) / 1e6;
      return { measured: `${Math.round(megabytes)} MB`, holds: megabytes <= MEMORY_MB_MAX };
    },
  };
}
