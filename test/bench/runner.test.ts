import { describe, expect, test } from 'vitest';
import { runScenario } from '../../bench/lib/runner.ts';
import type { Contender } from '../../bench/lib/scenario.ts';
import { sample, scenario } from './sample-results.ts';

/** Notes what is done to it. */
function contender(name: string, log: string[], run: (round: number) => number): Contender {
  const note = (what: string): Promise<void> => Promise.resolve(void log.push(`${name} ${what}`));
  return {
    name,
    durability: '',
    start: () => note('starts'),
    async run(round) {
      await note(`runs ${round}`);
      return sample(run(round));
    },
    stop: () => note('stops'),
  };
}

function quiet(): void {}

describe('a scenario', () => {
  test('measures everybody once a round, in turn, and does not count the rounds to warm up', async () => {
    const log: string[] = [];
    const contenders = ['a', 'b'].map((name) => contender(name, log, (round) => round));
    const measured = await runScenario(scenario(), contenders, { warmUp: 1, counted: 2 }, quiet);
    expect(log).toEqual('a starts,b starts,a runs 0,b runs 0,a runs 1,b runs 1,a runs 2,b runs 2,a stops,b stops'.split(','));
    expect(measured.map(({ samples }) => samples.map(({ value }) => value))).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });

  test('goes on without one that fails, and stops it at once', async () => {
    const log: string[] = [];
    const told: string[] = [];
    const failing = contender('a', log, (round) => {
      if (round === 1) throw new Error('broken');
      return round;
    });
    const measured = await runScenario(
      scenario(),
      [failing, contender('b', log, () => 7)],
      { warmUp: 0, counted: 3 },
      (line) => void told.push(line),
    );
    expect(log).toEqual('a starts,b starts,a runs 0,b runs 0,a runs 1,a stops,b runs 1,b runs 2,b stops'.split(','));
    expect(measured.map(({ failure }) => failure)).toEqual(['failed to run: broken', undefined]);
    expect(told).toContain('a failed to run: broken');
  });

  test('goes on without one that does not start', async () => {
    const log: string[] = [];
    const broken = { ...contender('a', log, () => 1), start: () => Promise.reject(new Error('no such command')) };
    const measured = await runScenario(scenario(), [broken, contender('b', log, () => 2)], { warmUp: 0, counted: 1 }, quiet);
    expect(log).toEqual(['a stops', 'b starts', 'b runs 0', 'b stops']);
    expect(measured.map(({ failure, samples }) => failure ?? samples.length)).toEqual(['failed to start: no such command', 1]);
  });
});
