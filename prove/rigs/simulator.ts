/** The real broker on a clock, a disk and clients that are all made up: see test/support/random-history.ts. */
import { availableParallelism } from 'node:os';
import type { Findings, Rig, RigOptions } from '../lib/rig.ts';
import { NOTHING_FOUND } from '../lib/rig.ts';
import { simulate } from '../lib/simulate.ts';

const SEEDS = 100_000;
const SEEDS_QUICK = 2000;
const STEPS = 60;
const SEEDS_PER_RUN = 1_000_000;
const PROGRESS_EVERY = 10_000;

export const simulator: Rig = {
  id: 'simulator',
  title: `${SEEDS.toLocaleString('en-US')} random histories on a made-up clock and disk`,
  description:
    'The broker itself, with a manual clock, seeded chance and a store that is slow or answers in bursts. Clients with three names ' +
    'come, go, publish one message or several, subscribe, settle late or never, extend, stall and try what is not theirs; the ' +
    'broker crashes and restarts between any two of its steps. Every delivery is checked as it happens, against a model that ' +
    'knows only what clients are told; at the end everything is drained and counted. A seed that fails is shrunk.',
  async run({ seed, quick, say }: RigOptions): Promise<Findings> {
    const seeds = quick ? SEEDS_QUICK : SEEDS;
    const firstSeed = seed * SEEDS_PER_RUN;
    let next = PROGRESS_EVERY;
    const { counts, failures } = await simulate({
      firstSeed,
      seeds,
      steps: STEPS,
      threads: Math.min(availableParallelism(), 8),
      progress(done) {
        if (done < next) return;
        say(`${done.toLocaleString('en-US')} of ${seeds.toLocaleString('en-US')} histories`);
        next += PROGRESS_EVERY;
      },
    });
    const { tries, confirmed, unknown, deliveries } = counts;
    return {
      ...NOTHING_FOUND,
      tries,
      confirmed,
      unknown,
      lost: failures.filter(({ message }) => /is lost|is left with/.test(message)).length,
      violations: failures.map(
        (failure) => `seed ${failure.seed}, steps ${failure.steps.join(' ')}: ${failure.message.split('\n')[0] ?? ''}`,
      ),
      details: { histories: counts.seeds, deliveries },
    };
  },
};
