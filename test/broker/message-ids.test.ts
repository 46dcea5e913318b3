/** Ids are UUIDs of version 7: they sort by time, and on within a millisecond, and are random where they may be. */
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { MessageIds } from '../../src/broker/message-ids.ts';

const TIME = 1_800_000_000_123;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Random bytes that are the same each time, and how many were asked for. */
class Randomness {
  bytes = 0;
  readonly fill = (target: Uint8Array): void => {
    for (let at = 0; at < target.length; at += 32) {
      const block = createHash('sha256')
        .update(`${this.bytes + at}`)
        .digest();
      target.set(block.subarray(0, Math.min(32, target.length - at)), at);
    }
    this.bytes += target.length;
  };
}

const timeOf = (id: string): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);

it('hold the time, and sort in the order in which they were made, whatever the time does', () => {
  const ids = new MessageIds(new Randomness().fill);
  const times = [0, 0, 0, 1, 1, 5, 4, 5, 6].map((ms) => TIME + ms);
  const made = times.map((time) => ids.next(time));
  for (const id of made) expect(id).toMatch(UUID);
  expect(made.toSorted()).toEqual(made);
  expect(made.map(timeOf)).toEqual([0, 0, 0, 1, 1, 5, 5, 5, 6].map((ms) => TIME + ms));
});

it('sort for as many as a millisecond may have, and are all different', () => {
  const ids = new MessageIds(new Randomness().fill);
  const made = Array.from({ length: 20_000 }, (_, i) => ids.next(TIME + Math.floor(i / 5000)));
  expect(made.toSorted()).toEqual(made);
  expect(new Set(made).size).toBe(made.length);
  // the last 48 bits are random in each
  expect(new Set(made.map((id) => id.slice(24))).size).toBe(made.length);
});

it('begin a millisecond anywhere, so that nobody knows how many came before', () => {
  const ids = new MessageIds(new Randomness().fill);
  const starts = Array.from({ length: 200 }, (_, ms) => ids.next(TIME + ms).slice(15, 23));
  expect(new Set(starts).size).toBe(200);
});

it('take no more than ten random bytes each, none of them twice', () => {
  const randomness = new Randomness();
  const ids = new MessageIds(randomness.fill);
  for (let ms = 0; ms < 10_000; ms++) ids.next(TIME + ms);
  expect(randomness.bytes).toBeGreaterThanOrEqual(100_000);
  expect(randomness.bytes).toBeLessThanOrEqual(100_000 + 2 * 16_384);
  const sameTime = new Randomness();
  const more = new MessageIds(sameTime.fill);
  for (let i = 0; i < 10_000; i++) more.next(TIME);
  expect(sameTime.bytes).toBeGreaterThanOrEqual(60_000);
  expect(sameTime.bytes).toBeLessThanOrEqual(60_000 + 2 * 16_384);
});

it('have their parts where RFC 9562 has them', () => {
  const ids = new MessageIds((target) => target.fill(0xa5));
  // a count of 0x52d2d2d2: its first 4 bits after the version, 14 after the variant, and what is left before 42 random ones
  expect(ids.next(0x0123456789ab)).toBe('01234567-89ab-752d-8b4b-49a5a5a5a5a5');
  expect(ids.next(0x0123456789ab)).toBe('01234567-89ab-752d-8b4b-4da5a5a5a5a5');
});

it('name clients that have no name by something that nobody guesses', () => {
  const ids = new MessageIds(new Randomness().fill);
  const [first, second] = [ids.clientName(), ids.clientName()];
  for (const name of [first, second]) expect(name.replace(/^anonymous-/, '')).toMatch(UUID);
  expect(first).toMatch(/^anonymous-.{8}-.{4}-4/);
  expect(first).not.toBe(second);
  const predictable = new MessageIds((target) => target.fill(0xff));
  expect(predictable.clientName()).toBe('anonymous-ffffffff-ffff-4fff-bfff-ffffffffffff');
});
