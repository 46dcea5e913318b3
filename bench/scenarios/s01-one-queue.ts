/** S1: everything through one queue. */
import { loadedSystem } from '../lib/loaded-system.ts';
import type { BenchOptions, Contender, Scenario } from '../lib/scenario.ts';
import { type System, systemsFor } from '../lib/system.ts';
import { compared, PEERS } from '../lib/targets.ts';
import type { Run } from '../loads/index.ts';
import { echo } from '../systems/echo.ts';
import { holdfast } from '../systems/holdfast.ts';

const WINDOW = 1000;
const MESSAGES = 300_000;
const SECONDS_MAX = 10;
/** V8 takes more than a million messages to settle. */
const WARM_UP_ROUNDS = 4;
const BODIES = { kind: 'same', bytes: 256 } as const;
const ARRAYS = 'Holdfast, arrays of frames';
const OBJECTS = 'Holdfast, one object a frame';

export const oneQueue: Scenario = {
  id: 's1',
  title: 'One queue',
  description:
    'A publisher with 1,000 messages unconfirmed and a consumer with a prefetch of 1,000 on another connection, which ' +
    'acknowledges each message by itself. Bodies of 256 bytes; 300,000 messages a run, or as many as are sent in 10 s. Ends when ' +
    'the broker has taken the last ack.',
  unit: 'messages/s',
  better: 'more',
  warmUpRounds: WARM_UP_ROUNDS,
  rounds: 7,
  contenders: (options) => [
    throughOneQueue(options, holdfast, ARRAYS),
    throughOneQueue(options, { ...holdfast, protocol: 'holdfast-objects' }, OBJECTS),
    ceiling(options),
    ...systemsFor('queues', options.peers).map((peer) => throughOneQueue(options, peer)),
  ],
  targets: [
    compared({
      text: '≥ 1.5 × (aim: 2.0 ×) the best broker that does not fsync',
      of: ARRAYS,
      with: PEERS.withoutFsync,
      better: 'more',
      atLeast: 1.5,
    }),
    compared({ text: '≥ 50 × JetStream that fsyncs', of: ARRAYS, with: PEERS.jetStreamSync, better: 'more', atLeast: 50 }),
    compared({ text: '≥ 8 × RabbitMQ', of: ARRAYS, with: PEERS.rabbitMq, better: 'more', atLeast: 8 }),
    compared({
      text: 'one object a frame: ≥ 1.0 × the best broker',
      of: OBJECTS,
      with: PEERS.brokers,
      better: 'more',
      atLeast: 1,
    }),
  ],
};

/** This scenario's load on a system, also where other scenarios compare with it. */
export function throughOneQueue({ directory, scale }: BenchOptions, system: System, name = system.title): Contender {
  return loadedSystem({
    system,
    name,
    directory,
    runOf: (port, round) => runOf(system, scale, port, queueOf(round)),
    queuesOf: (round) => [queueOf(round)],
  });
}

/** What a server needs of this load until its code and heap have settled, for scenarios that have less to do themselves. */
export function settlingRuns(system: System, scale: number, port: number): readonly Run[] {
  return Array.from({ length: WARM_UP_ROUNDS }, (_, i) => runOf(system, scale, port, `settling-${i}`));
}

function runOf({ protocol }: System, scale: number, port: number, queue: string): Run {
  const messages = Math.ceil(MESSAGES * scale);
  return {
    load: 'queue',
    protocol,
    port,
    queue,
    messages,
    secondsMax: SECONDS_MAX,
    window: WINDOW,
    prefetch: WINDOW,
    bodies: BODIES,
  };
}

function queueOf(round: number): string {
  return `bench-${round}`;
}

function ceiling({ directory, scale }: BenchOptions): Contender {
  return loadedSystem({
    system: echo,
    directory,
    runOf: (port, round) => ({
      load: 'publish',
      protocol: echo.protocol,
      port,
      queue: queueOf(round),
      messages: Math.ceil(MESSAGES * scale),
      secondsMax: SECONDS_MAX,
      window: WINDOW,
      bodies: BODIES,
    }),
  });
}
