/** The conformance suite's part about ids that are published again. */
import { beforeEach, expect, it } from 'vitest';
import { create, guardOf, idOf, publication, publish, publishSeqs, seqsOf, settle } from './changes.ts';
import type { Context } from './conformance-context.ts';

export function duplicates(to: Context): void {
  const guarded = (seq: number, fields: Parameters<typeof publication>[1] = {}) =>
    publication([[1, seq]], { id: idOf(1), guard: guardOf(), ...fields });
  beforeEach(() => to.commit(create(1), create(2)));

  it('stores an id once and tells how many queues the first one reached', async () => {
    const twice = publication(
      [
        [1, 1],
        [2, 2],
      ],
      { id: idOf(1), guard: guardOf() },
    );
    expect(await to.commit(publish(twice))).toEqual([]);
    expect(await to.commit(...publishSeqs(2, [5]), publish(guarded(3)))).toEqual([
      [1, { kind: 'duplicates', publications: new Map([[0, { queues: 2 }]]) }],
    ]);
    expect(await seqsOf(to.store, 1)).toEqual([1]);
    expect((await to.store.find('default', 'queue-1'))?.ledger.accepted).toBe(1);
  });

  it('remembers ids across a restart and after their messages are settled', async () => {
    await to.commit(publish(guarded(1)));
    await to.commit(settle(1, [1]));
    await to.reopen();
    expect(await to.commit(publish(guarded(2)))).toHaveLength(1);
    expect(await seqsOf(to.store, 1)).toEqual([]);
  });

  it('finds duplicates within a batch and within a change, and stores the others', async () => {
    const other = publication([[1, 9]], { id: idOf(2), guard: guardOf() });
    const report = await to.commit(
      publish(guarded(1)),
      publish(guarded(2), other, { ...other, placements: [{ queue: 1, seq: 10 }] }),
    );
    const found = new Map([
      [0, { queues: 1 }],
      [2, { queues: 1 }],
    ]);
    expect(report).toEqual([[1, { kind: 'duplicates', publications: found }]]);
    expect(await seqsOf(to.store, 1)).toEqual([1, 9]);
  });

  it('remembers an id that reached no queue', async () => {
    const nowhere = publication([], { id: idOf(1), guard: guardOf() });
    await to.commit(publish(nowhere));
    expect(await to.commit(publish(guarded(1)))).toEqual([
      [0, { kind: 'duplicates', publications: new Map([[0, { queues: 0 }]]) }],
    ]);
  });

  it('calls the same id with another destination, kind, headers or body a conflict', async () => {
    const first = { attributes: { headers: '{"a":1}' }, body: '1' };
    await to.commit(publish(guarded(1, first)));
    const others = [
      { ...first, guard: guardOf({ destination: 'topic a' }) },
      { ...first, attributes: { headers: '{"a":1}', binary: true } as const },
      { ...first, attributes: { headers: '{"a":2}' } },
      { ...first, attributes: {} },
      { ...first, body: '2' },
      { attributes: { headers: '{"a":1' }, body: '}1' },
    ];
    for (const other of others) {
      expect(await to.commit(publish(guarded(2, other)))).toEqual([[0, { kind: 'conflict', publication: 0 }]]);
    }
    expect(await seqsOf(to.store, 1)).toEqual([1]);
  });

  it('calls the same id from another client, at another time or with another reply address a duplicate', async () => {
    await to.commit(publish(guarded(1, { attributes: { from: 'one' } })));
    const again = guarded(2, { attributes: { from: 'two', replyTo: 'q', correlation: '"c"' }, time: 1_700_000_000_001 });
    expect(await to.commit(publish(again))).toEqual([[0, { kind: 'duplicates', publications: new Map([[0, { queues: 1 }]]) }]]);
  });

  it('stores nothing of a change with a conflict, and all of the rest of the batch', async () => {
    await to.commit(publish(guarded(1)));
    const fresh = publication([[1, 5]], { id: idOf(5), guard: guardOf() });
    const report = await to.commit(
      ...publishSeqs(1, [4]),
      publish(fresh, publication([[1, 6]]), guarded(7, { body: '"other"' })),
      publish(publication([[1, 8]], { id: idOf(5), guard: guardOf(), body: '"not a conflict"' })),
    );
    expect(report).toEqual([[1, { kind: 'conflict', publication: 2 }]]);
    expect(await seqsOf(to.store, 1)).toEqual([1, 4, 8]);
  });

  it('forgets ids that were published before the guard looks back to', async () => {
    await to.commit(publish(guarded(1)));
    const later = { time: 1_700_000_900_000, body: '"new"' };
    expect(await to.commit(publish(guarded(2, { ...later, guard: guardOf({ since: 1_700_000_000_001 }) })))).toEqual([]);
    expect(await to.commit(publish(guarded(3, { ...later, guard: guardOf({ since: 1_700_000_900_000 }) })))).toHaveLength(1);
    expect(await seqsOf(to.store, 1)).toEqual([1, 2]);
  });

  it('keeps the ids of one namespace apart from those of another', async () => {
    await to.commit(publish(guarded(1)));
    expect(await to.commit(publish(guarded(2, { guard: guardOf({ namespace: 'other' }) })))).toEqual([]);
  });
}
