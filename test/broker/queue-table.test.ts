/** Which queues leave memory, and when. The queues are the test's own: what they are asked is what counts. */
import { describe, expect, it } from 'vitest';
import type { Core } from '../../src/broker/core.ts';
import { Deadlines } from '../../src/broker/deadlines.ts';
import type { Queue } from '../../src/broker/queue.ts';
import { QueueTable } from '../../src/broker/queue-table.ts';
import { ManualClock } from '../support/manual-clock.ts';

const IDLE_MS = 1000;
const LOADED_MAX = 10;

class FakeQueue {
  isIdle = true;
  usedAt: number;
  unloads = 0;
  reservations = 1;
  /** Answered at once, unless a test holds it back. */
  unloaded: boolean | undefined = true;
  readonly answers: ((unloaded: boolean) => void)[] = [];
  readonly id: number;

  constructor(id: number, usedAt: number) {
    this.id = id;
    this.usedAt = usedAt;
  }

  unload(done: (unloaded: boolean) => void): void {
    this.unloads++;
    if (this.unloaded === undefined) this.answers.push(done);
    else done(this.unloaded);
  }

  forgetReservations(): void {
    this.reservations = 0;
  }
}

class Rig {
  readonly clock = new ManualClock();
  readonly table: QueueTable;
  readonly queues: FakeQueue[] = [];

  constructor() {
    const clock = this.clock.start();
    const core = { clock, deadlines: new Deadlines(clock), idleUnloadMs: IDLE_MS, limits: { queuesLoadedMax: LOADED_MAX } };
    this.table = new QueueTable(core as unknown as Core, 7);
  }

  add(): FakeQueue {
    const queue = new FakeQueue(this.table.nextId(), this.clock.now());
    this.queues.push(queue);
    const real = queue as unknown as Queue;
    this.table.add(real, () => this.table.delete(real));
    return queue;
  }

  addMany(count: number): FakeQueue[] {
    return Array.from({ length: count }, () => this.add());
  }

  isLoaded(queue: FakeQueue): boolean {
    return this.table.get(queue.id) !== undefined;
  }

  /** The ids of those that are in memory. */
  get loaded(): number[] {
    return this.queues.filter((queue) => this.isLoaded(queue)).map(({ id }) => id);
  }
}

it('gives ids from the next one on, and finds queues by them', () => {
  const rig = new Rig();
  const [first, second] = rig.addMany(2);
  expect([first?.id, second?.id, rig.table.size]).toEqual([7, 8, 2]);
  expect(rig.table.get(8)).toBe(second);
  expect(rig.table.get(9)).toBeUndefined();
});

describe('a queue that nobody uses', () => {
  it('leaves memory when it was idle for so long, and half as long again at most', async () => {
    const rig = new Rig();
    const queue = rig.add();
    await rig.clock.advance(IDLE_MS - 1);
    expect(rig.isLoaded(queue)).toBe(true);
    await rig.clock.advance(IDLE_MS / 2 + 1);
    expect(rig.isLoaded(queue)).toBe(false);
    // then nobody looks any more, until there is another one
    expect(rig.clock.wakesAt).toBeUndefined();
    const next = rig.add();
    await rig.clock.advance(1.5 * IDLE_MS);
    expect(rig.isLoaded(next)).toBe(false);
  });

  it('stays when it was used since, and is looked at again and again', async () => {
    const rig = new Rig();
    const queue = rig.add();
    for (let i = 0; i < 5; i++) {
      await rig.clock.advance(IDLE_MS / 2);
      queue.usedAt = rig.clock.now();
    }
    expect([rig.isLoaded(queue), queue.unloads]).toEqual([true, 0]);
    await rig.clock.advance(1.5 * IDLE_MS);
    expect(rig.isLoaded(queue)).toBe(false);
  });

  it('stays while it has something to do', async () => {
    const rig = new Rig();
    const queue = rig.add();
    queue.isIdle = false;
    await rig.clock.advance(3 * IDLE_MS);
    expect([rig.isLoaded(queue), queue.unloads]).toEqual([true, 0]);
  });

  it('is asked once at a time, and stays when it is in use again by then', async () => {
    const rig = new Rig();
    const queue = rig.add();
    queue.unloaded = undefined;
    await rig.clock.advance(3 * IDLE_MS);
    expect(queue.unloads).toBe(1);
    queue.answers[0]?.(false);
    expect(rig.isLoaded(queue)).toBe(true);
    queue.unloaded = true;
    await rig.clock.advance(IDLE_MS);
    expect([rig.isLoaded(queue), queue.unloads]).toEqual([false, 2]);
  });
});

describe('too many queues', () => {
  it('lose those that came first, as many as are too many, at the end of the turn', async () => {
    const rig = new Rig();
    rig.addMany(LOADED_MAX);
    await rig.clock.turn();
    expect(rig.table.size).toBe(LOADED_MAX);
    rig.addMany(3);
    expect(rig.table.size).toBe(LOADED_MAX + 3);
    await rig.clock.turn();
    expect(rig.loaded).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
    expect(rig.queues.map(({ unloads }) => unloads)).toEqual([1, 1, 1, ...Array<number>(LOADED_MAX).fill(0)]);
    expect(await rig.clock.turn()).toBe(false);
  });

  it('lose the first that are idle, and the busy ones are looked at last the next time', async () => {
    const rig = new Rig();
    const [first, second] = rig.addMany(LOADED_MAX);
    for (const queue of [first, second]) if (queue !== undefined) queue.isIdle = false;
    rig.add();
    await rig.clock.turn();
    expect(rig.loaded).not.toContain(9);
    expect(rig.table.size).toBe(LOADED_MAX);
    for (const queue of [first, second]) if (queue !== undefined) queue.isIdle = true;
    rig.add();
    await rig.clock.turn();
    expect(rig.loaded).toEqual([7, 8, 11, 12, 13, 14, 15, 16, 17, 18]);
  });

  it('are looked at a hundred in a turn, as long as that helps', async () => {
    const rig = new Rig();
    rig.addMany(LOADED_MAX + 250);
    const sizes: number[] = [];
    while (await rig.clock.turn()) sizes.push(rig.table.size);
    expect(sizes).toEqual([160, 60, 10]);
    const busy = rig.addMany(200);
    for (const queue of rig.queues) queue.isIdle = false;
    await rig.clock.settle();
    expect(rig.table.size).toBe(LOADED_MAX + busy.length);
    // the next one that comes has those looked at that were not before
    for (const queue of busy.slice(100)) queue.isIdle = true;
    rig.add();
    await rig.clock.settle();
    rig.add();
    await rig.clock.settle();
    expect(rig.table.size).toBeLessThan(LOADED_MAX + busy.length);
  });
});

it('brings all to rest at the end: nothing is kept for clients that are away, and each is unloaded', () => {
  const rig = new Rig();
  const queues = rig.addMany(3);
  rig.table.unloadAll();
  expect(queues.map(({ unloads, reservations }) => [unloads, reservations])).toEqual([
    [1, 0],
    [1, 0],
    [1, 0],
  ]);
  expect(rig.table.size).toBe(0);
});
