import { describe, expect, test } from 'vitest';
import type { Samples } from '../../bench/lib/scenario.ts';
import { compared, PEERS } from '../../bench/lib/targets.ts';
import { sample } from './sample-results.ts';

const samples: Samples = new Map([
  ['Holdfast', [sample(1200, { 'p50 ms': 4 })]],
  ['JetStream, default', [sample(1), sample(800, { 'p50 ms': 1 }), sample(9999)]],
  ['JetStream, sync always', [sample(20)]],
  ['Mosquitto', [sample(600)]],
  ['Socket.IO', [sample(100_000)]],
]);
const rate = { text: '', of: 'Holdfast', better: 'more' } as const;

describe('a target that compares', () => {
  test('takes the median of the best of those that it names', () => {
    const target = compared({ ...rate, with: PEERS.withoutFsync, atLeast: 1.5 });
    expect(target.judge(samples)).toEqual({ measured: '1.50 × JetStream, default', holds: true });
  });

  test('is missed below its factor', () => {
    const target = compared({ ...rate, with: PEERS.brokers, atLeast: 1.51 });
    expect(target.judge(samples)).toEqual({ measured: '1.50 × JetStream, default', holds: false });
  });

  test('tells the two ways of JetStream apart', () => {
    expect(compared({ ...rate, with: PEERS.jetStreamSync, atLeast: 60 }).judge(samples)).toEqual({
      measured: '60.0 × JetStream, sync always',
      holds: true,
    });
  });

  test('is not judged when those it compares with did not run, or Holdfast did not', () => {
    expect(compared({ ...rate, with: PEERS.rabbitMq, atLeast: 1 }).judge(samples)).toBeUndefined();
    expect(compared({ ...rate, of: 'Holdfast, arrays', with: PEERS.brokers, atLeast: 1 }).judge(samples)).toBeUndefined();
  });

  test('of which less is better holds up to a multiple of the best, and says which multiple it is', () => {
    const times = new Map([...samples, ['Mosquitto', [sample(2400)]]]);
    const twice = compared({ ...rate, better: 'less', with: PEERS.mosquitto, atLeast: 2 });
    expect(twice.judge(times)).toEqual({ measured: '0.500 × Mosquitto', holds: true });
    expect(twice.judge(samples)).toEqual({ measured: '2.00 × Mosquitto', holds: false });
  });

  test('may compare a further figure instead of the value', () => {
    const one = (ms: number) => new Map([...samples, ['JetStream, default', [sample(1, { 'p50 ms': ms })]]]);
    const p50 = compared({
      ...rate,
      better: 'less',
      with: PEERS.jetStream,
      atLeast: 1 / 4,
      figure: ({ details }) => details?.['p50 ms'] ?? Number.NaN,
    });
    expect(p50.judge(one(1))).toEqual({ measured: '4.00 × JetStream, default', holds: true });
    expect(p50.judge(one(0.9))?.holds).toBe(false);
  });
});
