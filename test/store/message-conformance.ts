/** The conformance suite's part about messages, reading them, and bodies that several share. */
import { beforeEach, expect, it } from 'vitest';
import { type Store, sharedBodyOf } from '../../src/store/store.ts';
import { bodiesOf, bytes, create, FROM_START, NO_LIMITS, publication, publish, publishSeqs, seqsOf, settle } from './changes.ts';
import type { Context } from './conformance-context.ts';

export function messages(to: Context): void {
  const ledger = async () => (await to.store.find('default', 'queue-1'))?.ledger;
  beforeEach(() => to.commit(create(1)));

  it('keeps a message as it was published, byte for byte', async () => {
    const everyByte = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i));
    const attributes = {
      binary: true,
      topic: 'a.b',
      from: 'client',
      headers: bytes('{"é":"🐘\\u0000"}') + everyByte,
      replyTo: '@клиент 🐘 \u0000\u0080ÿ',
      correlation: everyByte,
    } as const;
    const { message } = publication([[1, 1]], { attributes, body: everyByte });
    await to.commit({ kind: 'publish', publications: [{ message, placements: [{ queue: 1, seq: 1 }], due: 0 }] });
    await to.reopen();
    const { messages: read } = await to.store.read(1, FROM_START, NO_LIMITS);
    expect(read).toEqual([{ seq: 1, attempts: 0, due: 0, sharedBody: 0, message }]);
  });

  it('keeps empty bodies and absent attributes apart from empty ones', async () => {
    await to.commit(publish(publication([[1, 1]], { body: '' }), publication([[1, 2]], { body: '', attributes: {} })));
    const { messages: read } = await to.store.read(1, FROM_START, NO_LIMITS);
    expect(read.map(({ message }) => [message.body, message.attributes])).toEqual([
      ['', undefined],
      ['', {}],
    ]);
  });

  it('counts what was accepted and what was acknowledged', async () => {
    await to.commit(...publishSeqs(1, [1, 2, 3]));
    expect(await ledger()).toEqual({ accepted: 3, acknowledged: 0 });
    await to.commit(settle(1, [2]), ...publishSeqs(1, [4]));
    expect(await ledger()).toEqual({ accepted: 4, acknowledged: 1 });
  });

  it('settles each message once, however often and in which order it is asked to', async () => {
    await to.commit(...publishSeqs(1, [1, 2, 3, 4, 5, 9, 10]));
    await to.commit(settle(1, [9, 4, 3, 3]), settle(1, [5, 77]));
    await to.commit(settle(1, [3, 4, 5]));
    expect(await seqsOf(to.store, 1)).toEqual([1, 2, 10]);
    expect(await ledger()).toEqual({ accepted: 7, acknowledged: 4 });
  });

  it('settles messages that came together with those of another time, the later ones first', async () => {
    const [early, late] = [0, 100].map((from) => Array.from({ length: 20 }, (_, i) => from + i + 1));
    await to.commit(...publishSeqs(1, early ?? []));
    await to.commit(...publishSeqs(1, late ?? []));
    await to.commit(settle(1, [110, 3, 105, 2, 120, 1]));
    const left = (seqs: readonly number[] | undefined, gone: readonly number[]) =>
      seqs?.filter((seq) => !gone.includes(seq)) ?? [];
    expect(await seqsOf(to.store, 1)).toEqual([...left(early, [1, 2, 3]), ...left(late, [105, 110, 120])]);
    expect(await ledger()).toEqual({ accepted: 40, acknowledged: 6 });
  });

  it('publishes and settles many more messages than one statement takes', async () => {
    const seqs = Array.from({ length: 100 }, (_, i) => i + 1);
    await to.commit(...publishSeqs(1, seqs));
    expect(await seqsOf(to.store, 1)).toEqual(seqs);
    await to.commit(...seqs.map((seq) => settle(1, [seq])));
    expect(await seqsOf(to.store, 1)).toEqual([]);
    expect(await ledger()).toEqual({ accepted: 100, acknowledged: 100 });
  });

  it('settles what was published or returned in the same batch', async () => {
    await to.commit(...publishSeqs(1, [1, 2]), { kind: 'return', queue: 1, seq: 2, attempts: 1, due: 50 }, settle(1, [1, 2]));
    expect(await ledger()).toEqual({ accepted: 2, acknowledged: 2 });
  });

  it('returns a message with its attempts and due time, there and back', async () => {
    await to.commit(...publishSeqs(1, [1, 2]), { kind: 'return', queue: 1, seq: 1, attempts: 3, due: 2 ** 41 });
    expect(await seqsOf(to.store, 1)).toEqual([2]);
    await to.commit({ kind: 'return', queue: 1, seq: 1, attempts: 4, due: 2 ** 42 });
    const { messages: waiting } = await to.store.read(1, { kind: 'due', due: 0, seq: 0 }, NO_LIMITS);
    expect(waiting.map(({ seq, attempts, due }) => [seq, attempts, due])).toEqual([[1, 4, 2 ** 42]]);
    await to.commit({ kind: 'return', queue: 1, seq: 1, attempts: 5, due: 0 });
    const { messages: ready } = await to.store.read(1, FROM_START, NO_LIMITS);
    expect(ready.map(({ seq, attempts, due }) => [seq, attempts, due])).toEqual([
      [1, 5, 0],
      [2, 0, 0],
    ]);
  });

  it('returns nothing that is not there', async () => {
    await to.commit({ kind: 'return', queue: 1, seq: 1, attempts: 3, due: 0 });
    expect(await seqsOf(to.store, 1)).toEqual([]);
  });

  it('settles messages that wait for a time among others that do not', async () => {
    await to.commit(...publishSeqs(1, [1, 3]), publish(publication([[1, 2]], { due: 99 })));
    await to.commit(settle(1, [1, 2, 3]));
    expect(await ledger()).toEqual({ accepted: 3, acknowledged: 3 });
    expect(await to.store.read(1, { kind: 'due', due: 0, seq: 0 }, NO_LIMITS)).toEqual({ messages: [], more: false });
  });
}

export function reading(to: Context): void {
  beforeEach(async () => {
    const waiting = [
      publication([[1, 4]], { due: 300 }),
      publication([[1, 5]], { due: 200 }),
      publication([[1, 6]], { due: 200 }),
    ];
    await to.commit(create(1), create(2), ...publishSeqs(1, [1, 2, 3, 7]), ...publishSeqs(2, [8]), publish(...waiting));
  });
  const read = async (...args: Parameters<Store['read']>) => {
    const { messages: found, more } = await to.store.read(...args);
    return { seqs: found.map(({ seq }) => seq), more };
  };

  it('reads those after a seq that have no due time', async () => {
    expect(await read(1, { kind: 'after', seq: 1 }, NO_LIMITS)).toEqual({ seqs: [2, 3, 7], more: false });
  });

  it('reads those after a due time and seq, by due time, then seq', async () => {
    expect(await read(1, { kind: 'due', due: 0, seq: 0 }, NO_LIMITS)).toEqual({ seqs: [5, 6, 4], more: false });
    expect(await read(1, { kind: 'due', due: 200, seq: 5 }, NO_LIMITS)).toEqual({ seqs: [6, 4], more: false });
    expect(await read(1, { kind: 'due', due: 200, seq: 9 }, NO_LIMITS)).toEqual({ seqs: [4], more: false });
    expect(await read(1, { kind: 'due', due: 300, seq: 4 }, NO_LIMITS)).toEqual({ seqs: [], more: false });
  });

  it('reads just these, by seq, and leaves out those that are not there', async () => {
    expect(await read(1, { kind: 'these', seqs: [7, 5, 8, 99, 1] }, NO_LIMITS)).toEqual({ seqs: [1, 5, 7], more: false });
  });

  it('stops at the number of messages, and says that more may follow', async () => {
    const limits = { messagesMax: 2, bytesMax: 1000 };
    expect(await read(1, FROM_START, limits)).toEqual({ seqs: [1, 2], more: true });
    expect(await read(1, { kind: 'due', due: 0, seq: 0 }, limits)).toEqual({ seqs: [5, 6], more: true });
    expect(await read(1, { kind: 'these', seqs: [1, 2, 3] }, limits)).toEqual({ seqs: [1, 2], more: true });
    expect(await read(1, { kind: 'after', seq: 3 }, limits)).toEqual({ seqs: [7], more: false });
  });

  it('stops after the message that passes the sum of bytes, and gives at least one', async () => {
    const size = '"hello"'.length;
    expect(await read(1, FROM_START, { messagesMax: 9, bytesMax: 2 * size })).toEqual({ seqs: [1, 2, 3], more: true });
    expect(await read(1, FROM_START, { messagesMax: 9, bytesMax: 0 })).toEqual({ seqs: [1], more: true });
    expect(await read(1, FROM_START, { messagesMax: 9, bytesMax: 4 * size })).toEqual({ seqs: [1, 2, 3, 7], more: false });
  });

  it('reads nothing from a queue that is not there', async () => {
    expect(await read(9, FROM_START, NO_LIMITS)).toEqual({ seqs: [], more: false });
  });
}

export function sharedBodies(to: Context): void {
  const fanOut = publication(
    [
      [1, 10],
      [2, 11],
      [3, 12],
    ],
    { body: '"shared"' },
  );
  beforeEach(() => to.commit(create(1), create(2), create(3), publish(fanOut)));

  it('reads a body that went to several queues from each, with the number it is stored under', async () => {
    for (const [queue, seq] of [
      [1, 10],
      [2, 11],
      [3, 12],
    ] as const) {
      const { messages: read } = await to.store.read(queue, FROM_START, NO_LIMITS);
      expect(read).toEqual([{ seq, attempts: 0, due: 0, sharedBody: sharedBodyOf(fanOut), message: fanOut.message }]);
    }
  });

  it('keeps the body until the last queue has settled it', async () => {
    await to.commit(settle(1, [10], 10), settle(2, [11], 10));
    await to.commit(settle(1, [10], 10));
    await to.reopen();
    expect(await bodiesOf(to.store, 3)).toEqual(['"shared"']);
    await to.commit(settle(3, [12], 10));
    expect(await bodiesOf(to.store, 3)).toEqual([]);
  });

  it('keeps the body when one of the queues is removed', async () => {
    await to.commit({ kind: 'remove', queue: 1 });
    expect(await bodiesOf(to.store, 2)).toEqual(['"shared"']);
  });

  it('shares bodies beyond 32 bits, and those of returned messages', async () => {
    const seq = 2 ** 45;
    const placements = [
      [1, seq],
      [2, seq + 1],
    ] as const;
    await to.commit(publish(publication(placements, { body: '"late"', due: 900 })), {
      kind: 'return',
      queue: 1,
      seq,
      attempts: 1,
      due: 0,
    });
    const { messages: read } = await to.store.read(1, { kind: 'these', seqs: [seq] }, NO_LIMITS);
    expect(read.map(({ sharedBody, message }) => [sharedBody, message.body])).toEqual([[seq, '"late"']]);
  });
}
