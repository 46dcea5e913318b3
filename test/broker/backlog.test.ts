/** What a backlog holds in memory, what it asks the store for and when, and what it lets go of. */
import { describe, expect, it } from 'vitest';
import { BacklogRig, BODY, range } from '../support/backlog-rig.ts';

const bytesOf = (messages: number): number => messages * BODY.length;

describe('what is on disk', () => {
  it('is read once somebody consumes, deferred messages first, and nothing is asked for twice', async () => {
    const rig = new BacklogRig();
    rig.store(1, 3);
    rig.backlog.peek();
    rig.backlog.resume();
    expect(rig.reads()).toEqual([]);
    for (let i = 0; i < 2; i++) expect(rig.backlog.peek()).toBeUndefined();
    await rig.settle();
    for (let i = 0; i < 2; i++) expect(rig.backlog.peek()).toBeUndefined();
    expect(rig.reads()).toEqual(['due 0#0 ×128', 'after 0 ×128']);
    expect(await rig.seqs()).toEqual([1, 2, 3]);
    expect(rig.reads()).toEqual([]);
  });

  it('is read on when nearly all of the first part is taken, then at half, twice as much each time', async () => {
    const rig = await BacklogRig.consumed({}, 3000);
    const readsAfterTaking = async (count: number): Promise<string[]> => {
      await rig.take(count);
      return rig.reads();
    };
    expect(await readsAfterTaking(112)).toEqual([]);
    expect(await readsAfterTaking(1)).toEqual(['after 128 ×256']);
    expect(await readsAfterTaking(15 + 128)).toEqual([]);
    expect(await readsAfterTaking(1)).toEqual(['after 384 ×512']);
    expect(await readsAfterTaking(127 + 256)).toEqual([]);
    expect(await readsAfterTaking(1)).toEqual(['after 896 ×1000']);
    expect(await rig.seqs()).toEqual(range(642, 3000));
  });

  it('is held up to the window, its bytes are counted, and all of them are given back', async () => {
    const rig = await BacklogRig.consumed({ readyMessagesMax: 20 }, 50);
    expect(rig.memory.bytes).toBe(bytesOf(20));
    expect((await rig.take(5)).length).toBe(5);
    expect(rig.memory.bytes).toBe(bytesOf(15));
    expect(await rig.seqs()).toEqual(range(6, 50));
    expect(rig.memory.bytes).toBe(0);
    expect(rig.reads()).toEqual(['after 20 ×20', 'after 40 ×20']);
  });

  it('is held up to the bytes of the window, and one message more', async () => {
    const rig = await BacklogRig.consumed({ readyBytesMax: bytesOf(7) }, 50);
    expect(rig.bytesAsked).toBe(bytesOf(7));
    expect(rig.memory.bytes).toBe(bytesOf(8));
    expect(await rig.seqs()).toEqual(range(1, 50));
    expect(rig.memory.bytes).toBe(0);
  });

  it('is held to a sixteenth of the window while all queues together hold as much as they may', async () => {
    const limits = { readyMessagesMax: 100, readyBytesMax: 1600, readyTotalBytesMax: 5000 };
    const read = async (elsewhere: number) => {
      const rig = new BacklogRig(limits);
      rig.memory.bytes = elsewhere;
      rig.store(1, 200);
      rig.backlog.resume();
      expect(await rig.seqs(1)).toEqual([1]);
      return [rig.reads().at(-1), rig.bytesAsked];
    };
    expect(await read(4999)).toEqual(['after 0 ×100', 1600]);
    expect(await read(5000)).toEqual(['after 0 ×7', 100]);
  });
});

describe('what is committed while nothing is left on disk', () => {
  it('is never read back', async () => {
    const rig = await BacklogRig.consumed({ readyMessagesMax: 4 }, 2);
    expect(await rig.seqs()).toEqual([1, 2]);
    for (let seq = 3; seq < 40; seq += 4) {
      rig.commit(seq, seq + 3);
      expect(rig.memory.bytes).toBe(bytesOf(4));
      expect(await rig.seqs()).toEqual(range(seq, seq + 3));
    }
    expect(rig.memory.bytes).toBe(0);
    expect(rig.reads()).toEqual([]);
  });

  it('stays on disk from the one on that finds the window full, until it is its turn', async () => {
    const rig = await BacklogRig.consumed({ readyMessagesMax: 16 });
    rig.commit(1, 17);
    await rig.take(3);
    rig.commit(18, 20);
    expect(rig.memory.bytes).toBe(bytesOf(13));
    expect(await rig.seqs()).toEqual(range(4, 20));
    expect(rig.reads()).toEqual(['after 16 ×16']);
    rig.commit(21, 22);
    expect(await rig.seqs()).toEqual([21, 22]);
    expect(rig.reads()).toEqual([]);
  });

  it('stays on disk from the one on that finds no room for bytes', async () => {
    const rig = await BacklogRig.consumed({ readyBytesMax: bytesOf(3) });
    rig.commit(1, 5);
    expect(rig.memory.bytes).toBe(bytesOf(3));
    expect(await rig.seqs()).toEqual(range(1, 5));
    expect(rig.reads()).toEqual(['after 3 ×256']);
    expect(rig.memory.bytes).toBe(0);
  });

  it('enters a sixteenth of the window while all queues together hold as much as they may', async () => {
    const elsewhere = 5000;
    const full = await BacklogRig.consumed({ readyMessagesMax: 32, readyTotalBytesMax: elsewhere });
    full.memory.bytes = elsewhere;
    full.commit(1, 5);
    expect(full.memory.bytes).toBe(elsewhere + bytesOf(2));
    const heavy = await BacklogRig.consumed({ readyBytesMax: bytesOf(48), readyTotalBytesMax: elsewhere });
    heavy.memory.bytes = elsewhere;
    heavy.commit(1, 5);
    expect(heavy.memory.bytes).toBe(elsewhere + bytesOf(3));
    expect([await full.seqs(), await heavy.seqs()]).toEqual([range(1, 5), range(1, 5)]);
    expect([full.memory.bytes, heavy.memory.bytes]).toEqual([elsewhere, elsewhere]);
  });
});

describe('when nobody consumes any more', () => {
  it('every body leaves memory, and what comes stays on disk', async () => {
    const rig = await BacklogRig.consumed({}, 60);
    await rig.take(10);
    rig.backlog.pause();
    expect(rig.memory.bytes).toBe(0);
    rig.commit(61, 65);
    rig.backlog.peek();
    expect(rig.memory.bytes).toBe(0);
    expect(rig.reads()).toEqual([]);
    rig.backlog.resume();
    expect(await rig.seqs()).toEqual(range(11, 65));
    expect(rig.reads()).toEqual(['after 10 ×128']);
  });

  it('what comes stays on disk also if nothing was left there', async () => {
    const rig = await BacklogRig.consumed({}, 5);
    await rig.take();
    rig.backlog.pause();
    rig.commit(6, 8);
    expect(rig.memory.bytes).toBe(0);
    rig.backlog.resume();
    expect(await rig.seqs()).toEqual([6, 7, 8]);
  });

  it('the next consumer begins with a small read again', async () => {
    const rig = await BacklogRig.consumed({}, 900);
    await rig.take(500);
    rig.backlog.pause();
    rig.reads();
    rig.backlog.resume();
    expect(await rig.seqs(1)).toEqual([501]);
    expect(rig.reads()).toEqual(['after 500 ×128']);
  });

  it('a read that was under way brings nothing into memory', async () => {
    const rig = await BacklogRig.consumed({}, 300);
    rig.holdAnswers();
    await rig.take(128);
    rig.backlog.pause();
    await rig.answer();
    expect(rig.memory.bytes).toBe(0);
    rig.backlog.resume();
    expect(await rig.seqs()).toEqual(range(129, 300));
  });

  it('a read that was under way leaves no gap if somebody consumes again before it is answered', async () => {
    const rig = await BacklogRig.consumed({}, 300);
    rig.holdAnswers();
    await rig.take(113);
    rig.backlog.pause();
    rig.backlog.resume();
    await rig.answer();
    expect(await rig.seqs()).toEqual(range(114, 300));
    expect(rig.memory.bytes).toBe(0);
  });

  it('messages that came back keep their places but not their bodies', async () => {
    const rig = await BacklogRig.consumed({}, 3);
    const entries = await rig.take();
    rig.giveBack(entries);
    rig.backlog.peek();
    await rig.settle();
    expect(entries.map((entry) => entry.message?.body)).toEqual([BODY, BODY, BODY]);
    rig.backlog.pause();
    expect(entries.map((entry) => entry.message)).toEqual([undefined, undefined, undefined]);
    rig.backlog.resume();
    expect(await rig.seqs()).toEqual([1, 2, 3]);
  });

  it('bodies that were being read for messages that came back are not kept', async () => {
    const rig = await BacklogRig.consumed({}, 2);
    const entries = await rig.take();
    rig.giveBack(entries);
    rig.holdAnswers();
    rig.backlog.peek();
    await rig.settle();
    rig.backlog.pause();
    rig.backlog.peek();
    await rig.answer();
    expect(entries.map((entry) => entry.message)).toEqual([undefined, undefined]);
    rig.backlog.resume();
    expect(await rig.seqs()).toEqual([1, 2]);
    expect(rig.reads()).toEqual(['these 1 2', 'these 1 2']);
  });

  it('bodies of messages that came back are not read', async () => {
    const rig = await BacklogRig.consumed({}, 1);
    const entries = await rig.take();
    rig.backlog.pause();
    rig.giveBack(entries);
    rig.backlog.peek();
    expect(rig.reads()).toEqual([]);
  });

  it('and the queue leaves memory, nothing of it is left there, and nothing rings', async () => {
    const rig = await BacklogRig.consumed({}, 5);
    rig.commit(6, 6, 100);
    rig.backlog.close();
    const { changes } = rig;
    await rig.until(200);
    expect(rig.memory.bytes).toBe(0);
    expect(rig.changes).toBe(changes);
  });
});

describe('what comes back', () => {
  it('comes before what is newer, and after what is older', async () => {
    const rig = await BacklogRig.consumed({}, 6);
    const [first, second, third] = await rig.take(3);
    if (first === undefined || second === undefined || third === undefined) throw new Error('three were to be taken');
    rig.giveBack([third, first]);
    expect(await rig.seqs(3)).toEqual([1, 3, 4]);
    rig.giveBack([second]);
    expect(await rig.seqs()).toEqual([2, 5, 6]);
  });

  it('comes at once if its time has come', async () => {
    const rig = await BacklogRig.consumed({}, 1);
    const entries = await rig.take();
    rig.giveBack(entries, rig.now);
    rig.backlog.peek();
    expect(rig.reads()).toEqual(['these 1']);
  });

  it('has its body read again, for so many at a time, once', async () => {
    const rig = await BacklogRig.consumed({}, 300);
    rig.giveBack(await rig.take());
    rig.reads();
    for (let i = 0; i < 2; i++) rig.backlog.peek();
    expect(rig.reads()).toEqual([`these ${range(1, 256).join(' ')}`]);
    expect(await rig.seqs()).toEqual(range(1, 300));
    expect(rig.reads()).toEqual([`these ${range(257, 300).join(' ')}`]);
    expect(rig.memory.bytes).toBe(0);
  });

  it('has no more bodies read at a time than the window has bytes', async () => {
    const rig = await BacklogRig.consumed({ readyBytesMax: bytesOf(3) }, 10);
    const entries = await rig.take();
    rig.giveBack(entries);
    rig.backlog.peek();
    await rig.settle();
    expect(entries.filter((entry) => entry.message !== undefined)).toHaveLength(4);
    expect(await rig.seqs()).toEqual(range(1, 10));
  });

  it('is passed over if the store can not read it any more, also where a read ends early', async () => {
    const rig = await BacklogRig.consumed({ readyBytesMax: bytesOf(1) - 1 }, 6);
    const entries = await rig.take();
    rig.giveBack(entries);
    for (const seq of [1, 4, 6]) rig.lose(seq);
    expect(await rig.seqs()).toEqual([2, 3, 5]);
    expect(rig.backlog.peek()).toBeUndefined();
  });

  it('waits for older ones that were not read yet', async () => {
    const rig = new BacklogRig();
    rig.store(1, 3);
    rig.store(4, 4, 10);
    await rig.until(20);
    rig.backlog.resume();
    expect(await rig.seqs()).toEqual([1, 2, 3, 4]);
  });

  it('does not wait for newer ones that were not read yet', async () => {
    const rig = await BacklogRig.consumed({}, 200);
    await rig.take(112);
    rig.holdAnswers();
    const entries = rig.takeReady();
    expect(entries.at(-1)?.seq).toBe(128);
    rig.giveBack(entries.slice(-1));
    rig.backlog.peek();
    expect(rig.reads()).toEqual(['after 128 ×256', 'these 128']);
    await rig.answer();
    expect(await rig.seqs()).toEqual(range(128, 200));
  });
});
