/** Which messages that wait for their time a backlog knows, when it reads the others, and when they come. */
import { describe, expect, it } from 'vitest';
import type { Entry } from '../../src/broker/entry.ts';
import { BacklogRig, range } from '../support/backlog-rig.ts';

const PER_MESSAGE = 10;

/** Each with a time of its own, `PER_MESSAGE` ms apart. */
function commitDeferred(rig: BacklogRig, from: number, to: number): void {
  for (let seq = from; seq <= to; seq++) rig.commit(seq, seq, PER_MESSAGE * seq);
}

const deferredReads = (rig: BacklogRig): string[] => rig.reads().filter((read) => read.startsWith('due'));

async function takeOne(rig: BacklogRig): Promise<Entry> {
  const [entry] = await rig.take(1);
  if (entry === undefined) throw new Error('one was to be ready');
  return entry;
}

describe('messages that wait for their time', () => {
  it('come when it is there, each at its own, and hold no body until then', async () => {
    const rig = await BacklogRig.consumed();
    rig.commit(1, 1, 30);
    rig.commit(2, 2, 10);
    rig.commit(3, 4, 20);
    expect(rig.memory.bytes).toBe(0);
    const came: number[][] = [];
    for (const ms of [9, 11, 21, 29, 31]) {
      await rig.until(ms);
      came.push(await rig.seqs());
    }
    expect(came).toEqual([[], [2], [3, 4], [], [1]]);
    expect(rig.reads()).toEqual(['these 2', 'these 3 4', 'these 1']);
  });

  it('come in their places among those that did not have to wait', async () => {
    const rig = await BacklogRig.consumed();
    rig.commit(1, 2);
    rig.commit(3, 3, 10);
    rig.commit(4, 5);
    rig.commit(6, 6, 10);
    await rig.until(20);
    expect(await rig.seqs()).toEqual(range(1, 6));
  });

  it('are not read again when all that were on disk are known', async () => {
    const rig = new BacklogRig();
    for (let seq = 1; seq <= 5; seq++) rig.store(seq, seq, 100 * seq);
    rig.backlog.resume();
    await rig.take();
    commitDeferred(rig, 60, 65);
    await rig.until(1000);
    expect(await rig.seqs()).toEqual([...range(1, 5), ...range(60, 65)]);
    expect(deferredReads(rig)).toEqual(['due 0#0 ×128']);
  });

  it('are read in small parts at first, since most queues have none, then by the window', async () => {
    const rig = new BacklogRig({ readyMessagesMax: 200 });
    for (let seq = 1; seq <= 400; seq++) rig.store(seq, seq, seq);
    rig.backlog.resume();
    rig.backlog.peek();
    await rig.until(128.5);
    expect(rig.reads()).toEqual(['due 0#0 ×128', 'due 128#128 ×200']);
    await rig.until(500);
    expect(await rig.seqs()).toEqual(range(1, 400));
    expect(deferredReads(rig)).toEqual(['due 328#328 ×200']);
  });

  it('are never read beyond the window', async () => {
    const rig = new BacklogRig({ readyMessagesMax: 4 });
    for (let seq = 1; seq <= 20; seq++) rig.store(seq, seq, 10 * (21 - seq));
    rig.backlog.resume();
    rig.backlog.peek();
    await rig.settle();
    await rig.until(300);
    const came = await rig.seqs();
    expect(came.toSorted((a, b) => a - b)).toEqual(range(1, 20));
    expect(deferredReads(rig).every((read) => read.endsWith(' ×4'))).toBe(true);
  });

  it('line up when due, no more than the window, the next ones when half are taken', async () => {
    const rig = await BacklogRig.consumed({ readyMessagesMax: 4 });
    for (const seq of range(10, 13)) rig.commit(seq, seq, seq);
    rig.commit(1, 1, 20);
    await rig.until(30);
    expect(await rig.seqs()).toEqual([10, 11, 12, 1, 13]);
  });
});

describe('more messages that wait than the window holds', () => {
  it('are all kept up to twice as many', async () => {
    const rig = await BacklogRig.consumed({ readyMessagesMax: 4 });
    commitDeferred(rig, 1, 8);
    await rig.until(100);
    expect(await rig.seqs()).toEqual(range(1, 8));
    expect(deferredReads(rig)).toEqual([]);
  });

  it('are forgotten from the latest on, and read again as soon as those before are due', async () => {
    const rig = await BacklogRig.consumed({ readyMessagesMax: 4 });
    commitDeferred(rig, 1, 9);
    rig.commit(10, 10, 35);
    rig.commit(11, 11, 45);
    await rig.until(31);
    expect(await rig.seqs()).toEqual([1, 2, 3]);
    await rig.until(39);
    expect(deferredReads(rig)).toEqual([]);
    await rig.until(41);
    expect(deferredReads(rig)).toEqual(['due 40#4 ×4']);
    expect(await rig.seqs()).toEqual([4, 10]);
    await rig.until(200);
    expect((await rig.seqs()).toSorted((a, b) => a - b)).toEqual([5, 6, 7, 8, 9, 11]);
  });

  it('come once, also when one that was taken had a later time than those that are committed after it', async () => {
    const rig = await BacklogRig.consumed({ readyMessagesMax: 2 });
    rig.commit(1, 1, 100);
    await rig.until(101);
    await takeOne(rig);
    rig.commit(2, 2, 60);
    rig.commit(3, 3, 70);
    rig.commit(4, 4, 80);
    rig.commit(5, 5, 200);
    rig.commit(6, 6, 210);
    await rig.until(300);
    expect(await rig.seqs()).toEqual(range(2, 6));
    expect(deferredReads(rig)).toEqual(['due 100#1 ×2', 'due 210#6 ×2']);
  });

  it('come once, also when the last one taken had an earlier time than one before it', async () => {
    const rig = await BacklogRig.consumed({ readyMessagesMax: 2 });
    rig.commit(1, 1, 100);
    await rig.until(101);
    await takeOne(rig);
    rig.commit(2, 2, 50);
    await rig.settle();
    await takeOne(rig);
    for (const [i, due] of [60, 70, 200, 210, 220].entries()) rig.commit(3 + i, 3 + i, due);
    await rig.until(300);
    expect(await rig.seqs()).toEqual(range(3, 7));
  });

  it('leave room for one that comes back with a time beyond those that are kept: it is read with them', async () => {
    const rig = await BacklogRig.consumed({ readyMessagesMax: 2 });
    rig.commit(1, 1);
    const first = await takeOne(rig);
    for (let seq = 2; seq <= 6; seq++) rig.commit(seq, seq, PER_MESSAGE * seq);
    rig.giveBack([first], 45);
    await rig.until(100);
    expect((await rig.seqs()).toSorted((a, b) => a - b)).toEqual(range(1, 6));
  });
});

describe('messages that wait while nobody consumes', () => {
  it('wake nobody, and come to the next consumer', async () => {
    const rig = await BacklogRig.consumed();
    rig.commit(1, 2);
    const [first, second] = await rig.take();
    if (first === undefined || second === undefined) throw new Error('two were to be taken');
    rig.backlog.pause();
    rig.giveBack([first], 100);
    rig.giveBack([second], 300);
    await rig.settle();
    expect(rig.clock.wakesAt).toBeUndefined();
    await rig.until(200);
    rig.backlog.resume();
    expect(await rig.seqs()).toEqual([1]);
    await rig.until(301);
    expect(await rig.seqs()).toEqual([2]);
  });

  it('are not read, also when those in memory become due; the rest is found by the next consumer', async () => {
    const rig = await BacklogRig.consumed({ readyMessagesMax: 4 });
    rig.commit(1, 9, 10);
    rig.backlog.pause();
    await rig.until(20);
    expect(rig.reads()).toEqual([]);
    rig.backlog.resume();
    expect(deferredReads(rig)).toEqual(['due 10#4 ×4']);
    expect(await rig.seqs()).toEqual(range(1, 9));
  });
});
