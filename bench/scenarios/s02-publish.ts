/** S2: confirmed publishing alone. */
import { loadedSystem } from '../lib/loaded-system.ts';
import type { BenchOptions, Contender, Scenario, Target } from '../lib/scenario.ts';
import { type System, systemsFor } from '../lib/system.ts';
import { compared, medianIn, PEERS } from '../lib/targets.ts';
import { A_FIFTH } from '../loads/publish.ts';
import { holdfast } from '../systems/holdfast.ts';

const RESIDENT_EARLY = 'resident at a fifth MiB';
const RESIDENT_LATE = 'resident at the end MiB';
/** What a heap may be larger by, without a backlog in it: a tenth of this scenario's messages would be more. */
const GROWTH_MIB_MAX = 16;
const ONE = holdfast.title;

const memoryFlat: Target = {
  text: `memory flat: at most ${GROWTH_MIB_MAX} MiB more at the end of a run than after a fifth of it`,
  judge(samples) {
    const growth = medianIn(samples, ONE, ({ details }) => (details?.[RESIDENT_LATE] ?? 0) - (details?.[RESIDENT_EARLY] ?? 0));
    if (growth === undefined || Number.isNaN(growth)) return undefined;
    return { measured: `${growth.toFixed(1)} MiB`, holds: growth <= GROWTH_MIB_MAX };
  },
};

export const publishing: Scenario = {
  id: 's2',
  title: 'Publishing alone',
  description:
    'A publisher with 1,000 messages unconfirmed and nobody who consumes, so that a backlog grows on disk. Bodies of 256 bytes; ' +
    '300,000 messages a run, or as many as are sent in 10 s; a new queue each run. Peers delete theirs afterwards. Holdfast has ' +
    'no such frame: its data grows from run to run. Ends with the last confirm.',
  unit: 'messages/s',
  better: 'more',
  warmUpRounds: 4,
  rounds: 7,
  contenders: (options) => [holdfast, ...systemsFor('backlogs', options.peers)].map((system) => published(options, system)),
  targets: [
    compared({
      text: '≥ 0.8 × (aim: 1.0 ×) JetStream that does not fsync',
      of: ONE,
      with: PEERS.jetStream,
      better: 'more',
      atLeast: 0.8,
    }),
    compared({ text: '≥ 30 × JetStream that fsyncs', of: ONE, with: PEERS.jetStreamSync, better: 'more', atLeast: 30 }),
    compared({ text: '≥ 7 × RabbitMQ', of: ONE, with: PEERS.rabbitMq, better: 'more', atLeast: 7 }),
    memoryFlat,
  ],
};

function published({ directory, scale }: BenchOptions, system: System): Contender {
  const queueOf = (round: number): string => `backlog-${round}`;
  return loadedSystem({
    system,
    directory,
    runOf: (port, round) => ({
      load: 'publish',
      protocol: system.protocol,
      port,
      queue: queueOf(round),
      messages: Math.ceil(300_000 * scale),
      secondsMax: 10,
      window: 1000,
      bodies: { kind: 'same', bytes: 256 },
    }),
    queuesOf: (round) => [queueOf(round)],
    details: (server, residentMiB) => ({
      [RESIDENT_EARLY]: residentMiB.get(A_FIFTH) ?? Number.NaN,
      [RESIDENT_LATE]: server.residentMiB(),
    }),
  });
}
