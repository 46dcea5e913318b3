/** The clock of the real broker, on timers that the test moves. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/broker/clock.ts';

const START = 1_800_000_000_000;

beforeEach(() => {
  vi.useFakeTimers({
    now: START,
    toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate'],
  });
});
afterEach(() => {
  vi.useRealTimers();
});

it('begins at the machine’s time and goes on by itself, whatever becomes of that', () => {
  const clock = systemClock();
  expect(clock.now()).toBe(START);
  vi.advanceTimersByTime(1500);
  expect(clock.now()).toBe(START + 1500);
  vi.advanceTimersByTime(0);
  vi.setSystemTime(START - 86_400_000);
  vi.advanceTimersByTime(10);
  expect(clock.now()).toBe(START + 1510);
});

it('stands still within a turn of the event loop', () => {
  const clock = systemClock();
  vi.advanceTimersByTime(100);
  const elapsed = vi.spyOn(performance, 'now');
  elapsed.mockReturnValue(500);
  const before = clock.now();
  elapsed.mockReturnValue(800);
  expect(clock.now()).toBe(before);
  vi.runAllTicks();
  expect(clock.now()).toBe(before);
  vi.advanceTimersToNextTimer();
  expect(clock.now()).toBe(before + 300);
});

it('wakes once, not before the time, and only for what it was told last', () => {
  const clock = systemClock();
  const woken: string[] = [];
  clock.wakeAt(START + 100, () => woken.push('first'));
  clock.wakeAt(START + 200.5, () => woken.push('second'));
  vi.advanceTimersByTime(200);
  expect(woken).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(woken).toEqual(['second']);
  vi.advanceTimersByTime(1000);
  expect(woken).toEqual(['second']);
});

it('wakes soon for a time that is over, and no more once it rests', () => {
  const clock = systemClock();
  const woken: string[] = [];
  clock.wakeAt(START - 1000, () => woken.push('late'));
  vi.advanceTimersByTime(1);
  expect(woken).toEqual(['late']);
  clock.wakeAt(clock.now() + 10, () => woken.push('never'));
  clock.rest();
  vi.advanceTimersByTime(1000);
  expect(woken).toEqual(['late']);
});

it('does not wake at once for a time that is farther off than a timer can wait', () => {
  const clock = systemClock();
  const woken: number[] = [];
  clock.wakeAt(START + 2 ** 40, () => woken.push(clock.now()));
  vi.advanceTimersByTime(2 ** 31 - 2);
  expect(woken).toEqual([]);
  // then the broker looks and asks again
  vi.advanceTimersByTime(1);
  expect(woken).toHaveLength(1);
});

it('runs what is to follow a turn after what the turn brought', () => {
  const clock = systemClock();
  const told: string[] = [];
  clock.afterTurn(() => told.push('after'));
  told.push('turn');
  expect(told).toEqual(['turn']);
  vi.advanceTimersToNextTimer();
  expect(told).toEqual(['turn', 'after']);
});
