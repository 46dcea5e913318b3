/** S3: how long a message is under way when the broker has time. */
import { loadedSystem } from '../lib/loaded-system.ts';
import type { BenchOptions, Contender, Sample, Scenario } from '../lib/scenario.ts';
import { type System, systemsFor } from '../lib/system.ts';
import { compared, PEERS } from '../lib/targets.ts';
import { P50 } from '../loads/paced.ts';
import { holdfast } from '../systems/holdfast.ts';
import { settlingRuns } from './s01-one-queue.ts';

const PER_SECOND = 2000;
const SECONDS = 10;
const ONE = holdfast.title;
const p50 = ({ details }: Sample): number => details?.[P50] ?? Number.NaN;

export const pacedLatency: Scenario = {
  id: 's3',
  title: 'Latency at a steady pace',
  description:
    '2,000 messages a second for 10 s, each sent when it is due, through one queue to a consumer that acknowledges each: the time ' +
    'from publish to delivery, both read from one clock in one process. Bodies of 256 bytes. The value is the 99th percentile of ' +
    "a run. The driver's lag is how much later than due it sent: no part of the figures, but the smaller the steadier the pace. " +
    'Before the first round each broker has had S1 four times.',
  unit: 'ms',
  better: 'less',
  warmUpRounds: 1,
  rounds: 5,
  contenders: (options) => [holdfast, ...systemsFor('queues', options.peers)].map((system) => underway(options, system)),
  targets: [
    compared({ text: 'p99 ≤ that of JetStream that fsyncs', of: ONE, with: PEERS.jetStreamSync, better: 'less', atLeast: 1 }),
    compared({ text: 'p99 ≤ that of RabbitMQ', of: ONE, with: PEERS.rabbitMq, better: 'less', atLeast: 1 }),
    compared({
      text: 'p50 ≤ 4 × that of JetStream that does not fsync',
      of: ONE,
      with: PEERS.jetStream,
      better: 'less',
      atLeast: 1 / 4,
      figure: p50,
    }),
  ],
};

function underway({ directory, scale }: BenchOptions, system: System): Contender {
  const queueOf = (round: number): string => `paced-${round}`;
  return loadedSystem({
    system,
    directory,
    runOf: (port, round) => ({
      load: 'paced',
      protocol: system.protocol,
      port,
      queue: queueOf(round),
      perSecond: PER_SECOND,
      messages: Math.ceil(PER_SECOND * SECONDS * scale),
      prefetch: 1000,
      bytes: 256,
    }),
    settlingRunsOf: (port) => settlingRuns(system, scale, port),
    queuesOf: (round) => [queueOf(round)],
  });
}
