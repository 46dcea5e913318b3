import { expect, it, onTestFinished, vi } from 'vitest';
import { DiskSpace } from '../../src/store/sqlite/disk-space.ts';

const RESERVE = 1000;

/** A disk with so much free, which the test changes; and what was told of it. */
async function watched(free: number | Error, reserveBytes = RESERVE) {
  vi.useFakeTimers();
  const disk = { free };
  const told: string[] = [];
  let looks = 0;
  const space = await DiskSpace.watch({
    directory: '/data',
    reserveBytes,
    freeBytes: (directory) => {
      looks++;
      expect(directory).toBe('/data');
      return disk.free instanceof Error ? Promise.reject(disk.free) : Promise.resolve(disk.free);
    },
    changed: (isLow, freeBytes) => told.push(`${isLow ? 'low' : 'enough'} ${freeBytes}`),
  });
  onTestFinished(() => {
    space.end();
    vi.useRealTimers();
  });
  return { disk, space, told, looks: () => looks };
}

it('has looked before it is used', async () => {
  const { space, told } = await watched(999);
  expect(space.isLow).toBe(true);
  expect(told).toEqual(['low 999']);
});

it('says once when room runs out, and once when there is clearly more again', async () => {
  const { disk, space, told } = await watched(1000);
  expect(space.isLow).toBe(false);
  for (const free of [500, 400, 1000, 1249, 1250, 1100]) {
    disk.free = free;
    await vi.advanceTimersByTimeAsync(1000);
  }
  expect(told).toEqual(['low 500', 'enough 1250']);
});

it('looks ten times as often when it is getting tight', async () => {
  const { disk, looks } = await watched(100_000);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(looks()).toBe(11);
  disk.free = 7999;
  await vi.advanceTimersByTimeAsync(1000);
  const before = looks();
  await vi.advanceTimersByTimeAsync(1000);
  expect(looks() - before).toBe(10);
});

it('never says that there is no room where it cannot tell, or is not asked', async () => {
  expect((await watched(new Error('no such system call'))).space.isLow).toBe(false);
  const { space, looks } = await watched(0, 0);
  expect([space.isLow, looks()]).toEqual([false, 0]);
});

it('looks no more when it has ended', async () => {
  const { space, looks } = await watched(100);
  space.end();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(looks()).toBe(1);
});
