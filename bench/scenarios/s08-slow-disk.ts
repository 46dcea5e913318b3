/** S8: a disk whose fsync takes 5 ms. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { loopDelay, type LoopDelay } from '../lib/loop-delay.ts';
import type { BenchOptions, Contender, Scenario } from '../lib/scenario.ts';
import { type SlowSync, slowSync } from '../lib/slow-sync.ts';
import { atMost, compared } from '../lib/targets.ts';
import { freePort } from '../systems/free-port.ts';
import { holdfast, startHoldfast } from '../systems/holdfast.ts';
import { throughOneQueue } from './s01-one-queue.ts';

const SYNC_MS = 5;
const LOOP_DELAY_MS_MAX = 10;
const LOOP_DELAY = "broker's loop delay p99 ms";
const AS_IS = 'Holdfast, the disk as it is';
const SLOW = `Holdfast, each fsync ${SYNC_MS} ms longer`;

export const slowDisk: Scenario = {
  id: 's8',
  title: 'A slow disk',
  description:
    'S1 with every fsync and fdatasync of the broker taking 5 ms longer than it does: a library that waits first is preloaded into ' +
    "it (Linux, and a C compiler is needed). The delay of the broker's event loop is measured in the broker itself, with " +
    '`monitorEventLoopDelay`, also in the run on the disk as it is.',
  unit: 'messages/s',
  better: 'more',
  warmUpRounds: 4,
  rounds: 5,
  contenders: (options) => [watched(options, AS_IS), watched(options, SLOW, SYNC_MS)],
  targets: [
    compared({ text: '≥ 0.7 × S1', of: SLOW, with: new RegExp(`^${AS_IS}$`), better: 'more', atLeast: 0.7 }),
    atMost({
      text: `loop delay p99 ≤ ${LOOP_DELAY_MS_MAX} ms`,
      of: SLOW,
      figure: ({ details }) => details?.[LOOP_DELAY] ?? Number.NaN,
      most: LOOP_DELAY_MS_MAX,
      unit: 'ms',
    }),
  ],
};

/** S1 on a broker whose event loop is watched. */
function watched(options: BenchOptions, name: string, syncMs?: number): Contender {
  let delay: LoopDelay | undefined;
  let sync: SlowSync | undefined;
  const system = {
    ...holdfast,
    async start(directory: string) {
      mkdirSync(directory, { recursive: true });
      delay = loopDelay(await freePort());
      sync = syncMs === undefined ? undefined : slowSync(directory, syncMs);
      const environment = { ...delay.environment, ...sync?.environment };
      return startHoldfast(join(directory, 'data'), { environment });
    },
  };
  const contender = throughOneQueue(options, system, name);
  return {
    ...contender,
    async run(round) {
      await delay?.take();
      const callsBefore = sync?.calls() ?? 0;
      const sample = await contender.run(round);
      const delays = await delay?.take();
      const calls = (sync?.calls() ?? 0) - callsBefore;
      if (sync !== undefined && calls === 0) throw new Error('no fsync of the broker was delayed');
      const details = { ...sample.details, [LOOP_DELAY]: delays?.p99Ms ?? Number.NaN, 'max ms': delays?.maxMs ?? Number.NaN };
      return { ...sample, details: sync === undefined ? details : { ...details, 'delayed fsyncs': calls } };
    },
  };
}
