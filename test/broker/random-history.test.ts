import { expect, it } from 'vitest';
import { allSteps, RandomHistory } from '../support/random-history.ts';

const RUNS = Number(process.env['HISTORY_RUNS'] ?? 2000);
const STEPS = Number(process.env['HISTORY_STEPS'] ?? 60);
/** Set it to what a failed run printed, and RUNS to 1, to see that run again. */
const SEED = Number(process.env['HISTORY_SEED'] ?? Date.now() % 1_000_000_000);

it('keeps its promises in random histories with crashes and restarts', async () => {
  let deliveries = 0;
  for (let seed = SEED; seed < SEED + RUNS; seed++) {
    try {
      deliveries += (await RandomHistory.run({ seed, steps: allSteps(STEPS) })).deliveries;
    } catch (error) {
      throw new Error(`HISTORY_SEED=${seed} HISTORY_RUNS=1: ${String(error)}`, { cause: error });
    }
  }
  expect(deliveries).toBeGreaterThan(RUNS);
}, 120_000);

it('gives the same history for the same seed', async () => {
  const logs: string[] = [];
  for (const seed of [1, 1, 2]) logs.push((await RandomHistory.run({ seed, steps: allSteps(200) })).log);
  expect(logs[0]).not.toBe('');
  expect(logs[1]).toBe(logs[0]);
  expect(logs[2]).not.toBe(logs[0]);
});
