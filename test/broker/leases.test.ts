/** The line of leases by their ends, what entries say of themselves, and in which order they stand. */
import { describe, expect, it } from 'vitest';
import { Alarm, Deadlines } from '../../src/broker/deadlines.ts';
import { byDue, bySeq, Entry } from '../../src/broker/entry.ts';
import { Leases } from '../../src/broker/leases.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { SeededRandom } from '../support/seeded-random.ts';

const MESSAGE = { id: '0194a1b0-6a5e-7c3e-9d5e-5f1d2c3b4a59', time: 0, body: '1', attributes: undefined };

const entry = (seq: number, due = 0): Entry => new Entry(seq, MESSAGE, 0, due, 0);
const seqs = (entries: readonly Entry[]): number[] => entries.map(({ seq }) => seq);

class Rig {
  readonly clock = new ManualClock();
  readonly start = this.clock.now();
  readonly leases: Leases;
  /** The times since the start at which the alarm rang, and what had run out. */
  readonly rings: [at: number, expired: readonly number[]][] = [];

  constructor() {
    const clock = this.clock.start();
    const alarm = new Alarm(() => {
      const expired = this.leases.expired(clock.now());
      this.rings.push([Math.floor(clock.now() - this.start), seqs(expired)]);
      for (const each of expired) this.leases.remove(each);
    });
    this.leases = new Leases(new Deadlines(clock), alarm);
  }

  add(seq: number, ms: number): Entry {
    const added = entry(seq);
    this.leases.add(added, this.start + ms);
    return added;
  }
}

describe('leases', () => {
  it('run out by their ends, those of one time as they began', async () => {
    const rig = new Rig();
    const ends = [30, 10, 20, 10, 40, 20];
    for (const [seq, ms] of ends.entries()) rig.add(seq, ms);
    expect(rig.leases.size).toBe(6);
    await rig.clock.advance(100);
    expect(rig.rings).toEqual([
      [10, [1, 3]],
      [20, [2, 5]],
      [30, [0]],
      [40, [4]],
    ]);
    expect(rig.leases.size).toBe(0);
  });

  it('that ended early do not run out, and the alarm rings in vain no more than once', async () => {
    const rig = new Rig();
    const entries = Array.from({ length: 5 }, (_, seq) => rig.add(seq, 10 * (seq + 1)));
    for (const each of entries.slice(0, 4)) rig.leases.remove(each);
    await rig.clock.advance(100);
    expect(rig.rings).toEqual([
      [10, []],
      [50, [4]],
    ]);
  });

  it('are what a sorted array has, whatever is added, extended and removed', () => {
    for (let seed = 0; seed < 20; seed++) {
      const random = new SeededRandom(seed);
      const rig = new Rig();
      let line: Entry[] = [];
      for (let step = 0; step < 100; step++) {
        const [any] = line.slice(random.between(0, line.length));
        if (any !== undefined && random.chance(0.6)) {
          rig.leases.remove(any);
          line = line.filter((other) => other !== any);
          if (random.chance(0.5)) continue;
        }
        const end = rig.start + random.between(1, 20);
        const added = any?.leaseEnd === 0 ? any : entry(step);
        rig.leases.add(added, end);
        line = [...line, added].toSorted((a, b) => a.leaseEnd - b.leaseEnd);
        const now = rig.start + random.between(0, 20);
        const expired = line.filter(({ leaseEnd }) => leaseEnd <= now);
        expect(seqs(rig.leases.expired(now)), `seed ${seed}`).toEqual(seqs(expired));
        expect(rig.leases.size).toBe(line.length);
      }
    }
  });

  it('are not changed by the removal of an entry that has none', () => {
    const rig = new Rig();
    const first = rig.add(1, 10);
    rig.add(2, 20);
    rig.leases.remove(entry(3));
    rig.leases.remove(first);
    rig.leases.remove(first);
    expect(rig.leases.size).toBe(1);
    expect(seqs(rig.leases.expired(rig.start + 100))).toEqual([2]);
  });

  it('that are cleared are no more, and no alarm rings for them', async () => {
    const rig = new Rig();
    const entries = [rig.add(1, 10), rig.add(2, 20)];
    rig.leases.clear();
    expect(rig.leases.size).toBe(0);
    expect(entries.map(({ leaseEnd }) => leaseEnd)).toEqual([0, 0]);
    await rig.clock.advance(100);
    expect(rig.rings).toEqual([]);
  });
});

describe('an entry that was read', () => {
  const attemptsOf = (attempts: number, seq: number, reach: number): number =>
    Entry.read({ seq, attempts, due: 0, sharedBody: 0, message: MESSAGE }, reach).attempts;

  it('counts a delivery that may have been, up to the very reach', () => {
    expect([attemptsOf(0, 9, 10), attemptsOf(0, 10, 10), attemptsOf(0, 11, 10)]).toEqual([1, 1, 0]);
  });

  it('keeps the attempts that are on record', () => {
    expect([attemptsOf(1, 9, 10), attemptsOf(3, 9, 10), attemptsOf(3, 11, 10)]).toEqual([1, 3, 3]);
  });
});

describe('the order of entries', () => {
  it('is that of their seqs', () => {
    expect([bySeq(entry(1), entry(2)), bySeq(entry(2), entry(1)), bySeq(entry(1), entry(1))]).toEqual([true, false, false]);
  });

  it('is that of their due times, and of their seqs where those are the same', () => {
    const before: (readonly [Entry, Entry])[] = [
      [entry(2, 10), entry(1, 20)],
      [entry(1, 10), entry(2, 10)],
      [entry(1, 10), entry(2, 20)],
    ];
    for (const [a, b] of before) expect([byDue(a, b), byDue(b, a)]).toEqual([true, false]);
    expect(byDue(entry(1, 10), entry(1, 10))).toBe(false);
  });
});
