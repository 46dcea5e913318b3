/** The store on the broker's side: what it sends to its thread, whom it gives which answer, and what becomes of all when that ends. */
import type { EventEmitter } from 'node:events';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Damage } from '../../src/store/sqlite/damage.ts';
import { packMessages } from '../../src/store/sqlite/message-codec.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Answer, Request, WriterMessage } from '../../src/store/sqlite/thread-messages.ts';
import type { Store } from '../../src/store/store.ts';
import { create, FROM_START, idOf, NO_LIMITS } from './changes.ts';

interface FakeWorker extends EventEmitter {
  readonly url: URL;
  readonly options: { readonly workerData: unknown; readonly name: string };
  readonly sent: { readonly requests: readonly Request[]; readonly transfer: readonly ArrayBuffer[] }[];
  terminations: number;
}

const threads = vi.hoisted(() => ({ made: [] as unknown[] }));

vi.mock('node:worker_threads', async () => {
  const { EventEmitter: Emitter } = await import('node:events');
  return {
    Worker: class extends Emitter {
      readonly sent: unknown[] = [];
      terminations = 0;
      readonly url: URL;
      readonly options: unknown;
      constructor(url: URL, options: unknown) {
        super();
        this.url = url;
        this.options = options;
        threads.made.push(this);
      }
      postMessage(requests: unknown, transfer: unknown): void {
        this.sent.push({ requests, transfer });
      }
      async terminate(): Promise<number> {
        this.terminations++;
        return Promise.resolve(1);
      }
    },
  };
});

let worker: FakeWorker;
let store: Store;
let damages: Damage[];

const says = (message: WriterMessage): void => void worker.emit('message', message);
const answer = (...answers: Answer[]): void => says({ kind: 'answers', answers, messages: undefined });
const found = (id: number): Answer => ({ kind: 'find', queue: { ...recordOf(id) } });
const recordOf = (id: number) => (create(id) as { readonly queue: NonNullable<Awaited<ReturnType<Store['find']>>> }).queue;

/** What each message to the thread asked for, since this was last asked. */
const asked = (): string[] => worker.sent.splice(0).map(({ requests }) => requests.map(({ kind }) => kind).join(' '));

async function open(): Promise<void> {
  threads.made.length = 0;
  damages = [];
  const opening = openSqliteStore({ path: '/data/holdfast.db', onDamage: (damage) => damages.push(damage) });
  worker = threads.made[0] as FakeWorker;
  says({ kind: 'ready' });
  store = await opening;
}

beforeEach(open);

it('starts a thread for its file, and is open when that is ready', () => {
  expect(worker.url.pathname).toMatch(/\/src\/store\/sqlite\/writer\.ts$/);
  expect(worker.options).toEqual({ workerData: { path: '/data/holdfast.db' }, name: 'holdfast-writer' });
});

it('is not opened by a thread that can’t use the file, and lets go of it', async () => {
  threads.made.length = 0;
  const opening = openSqliteStore({ path: '/data/holdfast.db' });
  worker = threads.made[0] as FakeWorker;
  says({ kind: 'failed', code: 'locked', message: 'somebody has it', cause: 'a stack' });
  await expect(opening).rejects.toMatchObject({ code: 'locked', message: 'somebody has it', cause: 'a stack' });
  expect(worker.terminations).toBe(1);
});

describe('requests', () => {
  it('of a turn go off together, a commit at once with those before it', async () => {
    void store.find('default', 'a');
    void store.match('default', 't');
    expect(asked()).toEqual([]);
    void store.commit([create(1)]);
    expect(worker.sent[0]?.transfer).toHaveLength(2);
    expect(asked()).toEqual(['find match commit']);
    void store.find('default', 'b');
    void store.read(1, FROM_START, NO_LIMITS);
    await Promise.resolve();
    expect(worker.sent[0]?.transfer).toEqual([]);
    expect(asked()).toEqual(['find read']);
    await Promise.resolve();
    expect(asked()).toEqual([]);
  });

  it('are answered in their order, however the answers come together', async () => {
    const answers = [
      store.find('default', 'a'),
      store.find('default', 'b'),
      store.commit([create(3)]),
      store.find('default', 'c'),
    ];
    answer(found(1));
    answer(found(2), { kind: 'commit', report: undefined }, { kind: 'find', queue: undefined });
    expect(await Promise.all(answers)).toEqual([recordOf(1), recordOf(2), new Map(), undefined]);
  });

  it('to read get the messages that come along, whose memory is given back', async () => {
    const rows = [1, 2, 3].map((seq) => [seq, 0, 0, idOf(seq), 5, null, 0, Buffer.from(`"${seq}"`)] as const);
    const messages = packMessages(rows.map((row) => [...row]));
    const reads = [
      store.read(1, FROM_START, NO_LIMITS),
      store.read(2, FROM_START, NO_LIMITS),
      store.read(3, FROM_START, NO_LIMITS),
    ];
    const count = (n: number): Answer => ({ kind: 'read', count: n, more: n === 2, damaged: [] });
    says({ kind: 'answers', answers: [count(2), count(0), count(1)], messages });
    const bodies = (await Promise.all(reads)).map((read) => [read.messages.map(({ message }) => message.body), read.more]);
    expect(bodies).toEqual([
      [['"1"', '"2"'], true],
      [[], false],
      [['"3"'], false],
    ]);
    expect(messages.bytes.byteLength).toBe(0);
  });
});

describe('what can’t be read', () => {
  const damaged = (...seqs: number[]): Answer => ({
    kind: 'read',
    count: 0,
    more: false,
    damaged: seqs.map((seq) => ({ queue: 1, seq, kind: 'message' }) as unknown as Damage),
  });

  it('is told of once', () => {
    for (let i = 0; i < 2; i++) void store.read(1, FROM_START, NO_LIMITS);
    answer(damaged(1, 2), damaged(2, 3));
    expect(damages.map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });

  it('is told of a thousand times', () => {
    void store.read(1, FROM_START, NO_LIMITS);
    answer(damaged(...Array.from({ length: 1100 }, (_, i) => i + 1)));
    expect(damages).toHaveLength(1000);
  });

  it('is left where it is when nobody wants to know', async () => {
    threads.made.length = 0;
    const opening = openSqliteStore({ path: '/data/holdfast.db' });
    worker = threads.made[0] as FakeWorker;
    says({ kind: 'ready' });
    const reading = (await opening).read(1, FROM_START, NO_LIMITS);
    answer(damaged(1));
    expect(await reading).toEqual({ messages: [], more: false });
  });
});

describe('the end of the thread', () => {
  const settled = async (all: readonly Promise<unknown>[]): Promise<string[]> =>
    (await Promise.allSettled(all)).map((result) => (result.status === 'rejected' ? String(result.reason) : 'answered'));

  it.each([
    ['by an error', () => worker.emit('error', new Error('out of memory')), /out of memory/],
    ['of itself', () => worker.emit('exit', 1), /^StoreError: \/data\/holdfast\.db has lost its writer thread: start again$/],
    [
      'with its last words',
      () => says({ kind: 'failed', code: 'failed', message: 'EIO', cause: undefined }),
      /^StoreError: EIO$/,
    ],
  ])('%s is that of every call, open or later', async (_, end, message) => {
    const asking = [store.find('default', 'a'), store.commit([create(1)]), store.recover()];
    end();
    const later = [store.read(1, FROM_START, NO_LIMITS), store.commit([create(2)])];
    // whatever comes after it does not count
    worker.emit('exit', 1);
    answer(found(1));
    expect(new Set(await settled([...asking, ...later])).size).toBe(1);
    for (const reason of await settled(asking)) expect(reason).toMatch(message);
    expect(asked()).toEqual(['find commit']);
    await store.close();
    expect(worker.terminations).toBe(1);
  });
});

describe('closing', () => {
  it('waits for what was asked before it, ends the thread once, and refuses what comes later', async () => {
    const before = store.find('default', 'a');
    const closing = [store.close(), store.close()];
    await Promise.resolve();
    expect(asked()).toEqual(['find close']);
    expect(worker.terminations).toBe(0);
    answer(found(1), { kind: 'close' });
    await Promise.all(closing);
    expect(await before).toEqual(recordOf(1));
    expect(worker.terminations).toBe(1);
    await expect(store.find('default', 'a')).rejects.toMatchObject({ code: 'failed', message: '/data/holdfast.db was closed' });
    expect(asked()).toEqual([]);
  });
});
