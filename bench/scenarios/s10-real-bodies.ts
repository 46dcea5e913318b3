/** S10: S1 with bodies as services send them. */
import type { BodySource } from '../lib/bodies.ts';
import { loadedSystem } from '../lib/loaded-system.ts';
import type { BenchOptions, Contender, Scenario } from '../lib/scenario.ts';
import { type System, systemsFor } from '../lib/system.ts';
import { compared, PEERS } from '../lib/targets.ts';
import { MEGABYTES_PER_SECOND } from '../loads/queue.ts';
import { holdfast } from '../systems/holdfast.ts';
import { settlingRuns } from './s01-one-queue.ts';

const MADE_UP: BodySource = { kind: 'records', count: 2000, bytesMin: 512, bytesMax: 8192, seed: 10 };

export const realBodies: Scenario = {
  id: 's10',
  title: 'Real bodies',
  description:
    'As S1, with the lines of the files that `--bodies` names as bodies, or else made-up JSON records of 0.5 to 8 KB, as many small ' +
    'as large, with text in several scripts. 100,000 messages a run, or as many as are sent in 10 s. MB/s of bodies. Before the first round each broker has had S1 four times.',
  unit: 'MB/s',
  better: 'more',
  warmUpRounds: 2,
  rounds: 7,
  contenders: (options) => [holdfast, ...systemsFor('queues', options.peers)].map((system) => withRealBodies(options, system)),
  targets: [compared({ text: '≥ the best broker', of: holdfast.title, with: PEERS.brokers, better: 'more', atLeast: 1 })],
};

function withRealBodies({ directory, scale, bodyFiles }: BenchOptions, system: System): Contender {
  const queueOf = (round: number): string => `bodies-${round}`;
  const contender = loadedSystem({
    system,
    directory,
    runOf: (port, round) => ({
      load: 'queue',
      protocol: system.protocol,
      port,
      queue: queueOf(round),
      messages: Math.ceil(100_000 * scale),
      secondsMax: 10,
      window: 1000,
      prefetch: 1000,
      bodies: bodyFiles.length === 0 ? MADE_UP : { kind: 'files', files: bodyFiles },
    }),
    settlingRunsOf: (port) => settlingRuns(system, scale, port),
    queuesOf: (round) => [queueOf(round)],
  });
  return {
    ...contender,
    async run(round) {
      const sample = await contender.run(round);
      const { [MEGABYTES_PER_SECOND]: value = Number.NaN } = sample.details ?? {};
      return { ...sample, value, details: { 'messages/s': sample.value } };
    },
  };
}
