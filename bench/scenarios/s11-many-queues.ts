/** S11: S1's load spread over many queues. */
import { loadedSystem } from '../lib/loaded-system.ts';
import type { BenchOptions, Contender, Scenario } from '../lib/scenario.ts';
import { type System, systemsFor } from '../lib/system.ts';
import { compared } from '../lib/targets.ts';
import { holdfast } from '../systems/holdfast.ts';
import { throughOneQueue } from './s01-one-queue.ts';

const QUEUES = 1000;
const MESSAGES = 200_000;
const ONE_QUEUE = 'Holdfast, S1: all through one queue';

export const manyQueuesAtOnce: Scenario = {
  id: 's11',
  title: 'Many queues at once',
  description:
    '1,000 queues, each with a publisher of its own that has 10 messages unconfirmed and a consumer of its own with a prefetch of ' +
    '10, on 2,000 connections that are open before time runs. Bodies of 256 bytes; 200,000 messages a run in all, or as many as are ' +
    'sent in 10 s. New queues each run. Beside it, S1.',
  unit: 'messages/s',
  better: 'more',
  warmUpRounds: 4,
  rounds: 5,
  contenders: (options) => [
    throughManyQueues(options, holdfast),
    throughOneQueue(options, holdfast, ONE_QUEUE),
    ...systemsFor('queues', options.peers).map((peer) => throughManyQueues(options, peer)),
  ],
  targets: [
    compared({ text: '≥ 0.6 × S1', of: holdfast.title, with: new RegExp(`^${ONE_QUEUE}$`), better: 'more', atLeast: 0.6 }),
  ],
};

function throughManyQueues({ directory, scale }: BenchOptions, system: System): Contender {
  const count = Math.ceil(QUEUES * scale);
  const queuesOf = (round: number): readonly string[] => Array.from({ length: count }, (_, i) => `many-${round}-${i}`);
  return loadedSystem({
    system,
    directory,
    runOf: (port, round) => ({
      load: 'many-queues',
      protocol: system.protocol,
      port,
      queues: queuesOf(round),
      messages: MESSAGES / QUEUES,
      secondsMax: 10,
      window: 10,
      prefetch: 10,
      bodies: { kind: 'same', bytes: 256 },
    }),
    queuesOf,
  });
}
