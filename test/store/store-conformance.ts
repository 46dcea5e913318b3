/** What every engine behind the store's port has to do, in one suite that each of them runs. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Change, Store } from '../../src/store/store.ts';
import { create, FROM_START, NO_LIMITS, publishSeqs, queueRecord, seqsOf } from './changes.ts';
import type { Context } from './conformance-context.ts';
import { duplicates } from './duplicate-conformance.ts';
import { messages, reading, sharedBodies } from './message-conformance.ts';

export interface OpenedStore {
  readonly store: Store;
  /** Closes the store and opens another one on what it left behind. */
  reopen(): Promise<Store>;
  /** Closes the store that is open and removes everything. */
  dispose(): Promise<void>;
}

export function storeConformance(engine: string, open: () => Promise<OpenedStore>): void {
  describe(`the ${engine} store`, () => {
    let opened: OpenedStore;
    let store: Store;
    beforeEach(async () => {
      opened = await open();
      store = opened.store;
    });
    afterEach(() => opened.dispose());
    const context: Context = {
      get store() {
        return store;
      },
      reopen: async () => {
        store = await opened.reopen();
      },
      commit: async (...changes) => [...(await store.commit(changes))],
    };
    describe('numbers', () => {
      numbers(context);
    });
    describe('queues', () => {
      queues(context);
    });
    describe('messages', () => {
      messages(context);
    });
    describe('reading', () => {
      reading(context);
    });
    describe('shared bodies', () => {
      sharedBodies(context);
    });
    describe('duplicates', () => {
      duplicates(context);
    });
    describe('bindings', () => {
      bindings(context);
    });
    describe('order', () => {
      order(context);
    });
  });
}

function numbers(to: Context): void {
  it('begins with seq 1 and queue 1', async () => {
    expect(await to.store.recover()).toEqual({ seq: 1, queue: 1 });
  });

  it('recovers the seq that was reserved, also one beyond 32 bits', async () => {
    await to.commit({ kind: 'reserve', seq: 2 ** 40 + 1 });
    await to.reopen();
    expect(await to.store.recover()).toEqual({ seq: 2 ** 40 + 1, queue: 1 });
  });

  it('never lowers what was reserved', async () => {
    await to.commit({ kind: 'reserve', seq: 500 }, { kind: 'reserve', seq: 400 });
    expect((await to.store.recover()).seq).toBe(500);
  });

  it('never gives a queue id again, also after its queue was removed', async () => {
    await to.commit(create(7), { kind: 'remove', queue: 7 });
    expect((await to.store.recover()).queue).toBe(8);
    await to.reopen();
    expect((await to.store.recover()).queue).toBe(8);
  });
}

function queues(to: Context): void {
  it('finds a queue with every field as it was created', async () => {
    const queue = queueRecord(3, {
      namespace: 'tenant',
      name: '@client:1',
      settings: { leaseMs: 5, backoffMs: [1, 20, 300] },
      ledger: { accepted: 12, acknowledged: 12 },
      reach: 2 ** 41,
    });
    await to.commit({ kind: 'create', queue });
    expect(await to.store.find('tenant', '@client:1')).toEqual(queue);
    await to.reopen();
    expect(await to.store.find('tenant', '@client:1')).toEqual(queue);
  });

  it('finds nothing under a name of another namespace', async () => {
    await to.commit(create(1));
    expect(await to.store.find('other', 'queue-1')).toBeUndefined();
    expect(await to.store.find('default', 'queue-2')).toBeUndefined();
  });

  it('changes settings and reach', async () => {
    const settings = { leaseMs: 9, backoffMs: [4] };
    await to.commit(create(1), { kind: 'configure', queue: 1, settings }, { kind: 'reach', queue: 1, seq: 44 });
    expect(await to.store.find('default', 'queue-1')).toEqual(queueRecord(1, { settings, reach: 44 }));
    await to.commit({ kind: 'reach', queue: 1, seq: 50 }, { kind: 'reach', queue: 1, seq: 60 });
    expect((await to.store.find('default', 'queue-1'))?.reach).toBe(60);
  });

  it('removes a queue with its bindings, and gives its name to another', async () => {
    await to.commit(create(1), { kind: 'bind', namespace: 'default', queue: 1, filter: 'a.b' }, ...publishSeqs(1, [1, 2]));
    await to.commit({ kind: 'remove', queue: 1 }, create(2, { name: 'queue-1' }));
    expect(await to.store.find('default', 'queue-1')).toEqual(queueRecord(2, { name: 'queue-1' }));
    expect(await to.store.match('default', 'a.b')).toEqual([]);
    expect(await seqsOf(to.store, 2)).toEqual([]);
  });

  it('takes no notice when a queue that is not there is removed', async () => {
    expect(await to.commit({ kind: 'remove', queue: 99 })).toEqual([]);
  });

  it('removes transient queues when it is opened again, and no others', async () => {
    await to.commit(create(1), create(2, { transient: true }), ...publishSeqs(1, [1]), ...publishSeqs(2, [2]));
    await to.commit({ kind: 'bind', namespace: 'default', queue: 2, filter: '#' });
    expect((await to.store.find('default', 'queue-2'))?.transient).toBe(true);
    await to.reopen();
    expect(await to.store.find('default', 'queue-2')).toBeUndefined();
    expect(await to.store.match('default', 'a')).toEqual([]);
    expect(await seqsOf(to.store, 1)).toEqual([1]);
  });
}

function bindings(to: Context): void {
  const bind = (queue: number, filter: string, namespace = 'default'): Change => ({ kind: 'bind', namespace, queue, filter });
  const match = async (topic: string, namespace = 'default') => {
    const bound = await to.store.match(namespace, topic);
    return bound.map(({ queue, filter }) => `${queue} ${filter}`).sort();
  };
  beforeEach(() => to.commit(create(1), create(2)));

  it('matches exact filters and wildcards', async () => {
    await to.commit(
      bind(1, 'a.b'),
      bind(1, 'a.*'),
      bind(2, 'a.b.#'),
      bind(2, '#'),
      bind(2, '*.b'),
      bind(2, 'a'),
      bind(2, 'a.*.c'),
    );
    expect(await match('a.b')).toEqual(['1 a.*', '1 a.b', '2 #', '2 *.b', '2 a.b.#']);
    expect(await match('a')).toEqual(['2 #', '2 a']);
    expect(await match('a.b.c')).toEqual(['2 #', '2 a.*.c', '2 a.b.#']);
  });

  it('binds and unbinds idempotently', async () => {
    await to.commit(bind(1, 'a'), bind(1, 'a'), bind(2, 'a'));
    expect(await match('a')).toEqual(['1 a', '2 a']);
    await to.commit({ kind: 'unbind', queue: 1, filter: 'a' }, { kind: 'unbind', queue: 1, filter: 'a' });
    await to.reopen();
    expect(await match('a')).toEqual(['2 a']);
  });

  it('keeps the namespaces apart', async () => {
    await to.commit(bind(1, '#'), bind(2, '#', 'other'));
    expect(await match('a', 'other')).toEqual(['2 #']);
  });
}

function order(to: Context): void {
  it('answers in call order, each read seeing just the commits before it', async () => {
    const answered: string[] = [];
    const told = async <T>(what: string, call: Promise<T>): Promise<T> => {
      const answer = await call;
      answered.push(what);
      return answer;
    };
    const seqs = async (what: string) =>
      (await told(what, to.store.read(1, FROM_START, NO_LIMITS))).messages.map(({ seq }) => seq);
    const answers = await Promise.all([
      told('commit 1', to.store.commit([create(1), ...publishSeqs(1, [1])])),
      seqs('read 1'),
      told('find', to.store.find('default', 'queue-2')),
      told('commit 2', to.store.commit([create(2), ...publishSeqs(1, [2])])),
      seqs('read 2'),
    ]);
    expect(answers.slice(1)).toEqual([[1], undefined, new Map(), [1, 2]]);
    expect(answered).toEqual(['commit 1', 'read 1', 'find', 'commit 2', 'read 2']);
  });

  it('finishes what was asked before it closes, and refuses what comes after', async () => {
    const { store } = to;
    const commit = store.commit([create(1)]);
    const find = store.find('default', 'queue-1');
    await store.close();
    await expect(commit).resolves.toEqual(new Map());
    await expect(find).resolves.toEqual(queueRecord(1));
    await expect(store.recover()).rejects.toThrow('closed');
    await store.close();
  });
}
