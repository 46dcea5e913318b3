/** The writer without its thread: what it answers, in which order, and what an answer waits for. The disk's part is played here. */
import { EventEmitter } from 'node:events';
import type * as fs from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { packBatch } from '../../src/store/sqlite/batch-codec.ts';
import { SqliteEngine } from '../../src/store/sqlite/engine.ts';
import type { Planes } from '../../src/store/sqlite/planes.ts';
import type { Request, WriterMessage } from '../../src/store/sqlite/thread-messages.ts';
import type { Change } from '../../src/store/store.ts';
import { create, FROM_START, publication, publish } from './changes.ts';
import { makeTemporaryDirectory, removeDirectory } from './temporary-directory.ts';

const MIB = 2 ** 20;
/** From which on a sync is slow, and those after it are not waited for, in ms. */
const SLOW_MS = 3;

const thread = vi.hoisted(() => ({
  parentPort: undefined as unknown,
  workerData: undefined as unknown,
  syncMs: 0,
  syncs: [] as ((error: Error | null) => void)[],
}));

vi.mock('node:worker_threads', () => ({
  get parentPort() {
    return thread.parentPort;
  },
  get workerData() {
    return thread.workerData;
  },
}));

vi.mock('node:fs', async (original) => ({
  ...(await original<typeof fs>()),
  fdatasyncSync: () => {
    const until = performance.now() + thread.syncMs;
    while (performance.now() < until);
  },
  fdatasync: (_: number, end: (error: Error | null) => void) => void thread.syncs.push(end),
}));

class Port extends EventEmitter {
  readonly sent: WriterMessage[] = [];
  isClosed = false;

  postMessage(message: WriterMessage, transfer: ArrayBuffer[] = []): void {
    if (!this.isClosed) this.sent.push(structuredClone(message, { transfer }));
  }

  close(): void {
    this.isClosed = true;
  }

  /** The kinds of the answers in each message since it was last asked, or what else was said. */
  said(): string[] {
    return this.sent.splice(0).map((message) => {
      if (message.kind !== 'answers') return message.kind;
      return message.answers.map((answer) => answer.kind).join(' ');
    });
  }
}

let directory: string;
let path: string;
let port: Port;

const commit = (...changes: Change[]): Request & { readonly batch: Planes } => ({ kind: 'commit', batch: packBatch(changes) });
const read = (queue = 1): Request => ({
  kind: 'read',
  queue,
  selection: FROM_START,
  limits: { messagesMax: 1000, bytesMax: 16 * MIB },
});
const find: Request = { kind: 'find', namespace: 'default', name: 'queue-1' };
const close: Request = { kind: 'close' };

const ask = (...requests: Request[]): void => void port.emit('message', requests);

/** The next sync is not waited for any more. */
function slowDown(): void {
  thread.syncMs = SLOW_MS;
  ask(commit({ kind: 'reserve', seq: 1000 }));
  thread.syncMs = 0;
  port.said();
}

beforeEach(async () => {
  directory = makeTemporaryDirectory();
  path = join(directory, 'holdfast.db');
  port = new Port();
  Object.assign(thread, { parentPort: port, workerData: { path }, syncMs: 0, syncs: [] });
  vi.resetModules();
  await import('../../src/store/sqlite/writer.ts');
});
afterEach(() => {
  ask(close);
  removeDirectory(directory);
});

it('says that it is ready, and answers each turn’s requests together, in their order', () => {
  expect(port.said()).toEqual(['ready']);
  ask(commit(create(1)), find, read());
  expect(port.said()).toEqual(['commit find read']);
  ask(find);
  expect(port.said()).toEqual(['find']);
});

it('says why when the file is not to be had, and nothing else', async () => {
  const other = new Port();
  Object.assign(thread, { parentPort: other, workerData: { path } });
  vi.resetModules();
  await import('../../src/store/sqlite/writer.ts');
  expect(other.sent).toMatchObject([{ kind: 'failed', code: 'locked' }]);
  expect(other.isClosed).toBe(true);
});

describe('an answer', () => {
  it('to a commit waits until a sync that began later has ended, and so do those that come after it', () => {
    slowDown();
    ask(find, commit(create(1)), find);
    expect(port.said()).toEqual(['find']);
    ask(find);
    expect(port.said()).toEqual([]);
    thread.syncs[0]?.(null);
    expect(port.said()).toEqual(['commit find', 'find']);
  });

  it('to a second commit does not go with the first one’s', () => {
    slowDown();
    ask(commit(create(1)));
    ask(commit(create(2)));
    expect(port.said()).toEqual([]);
    thread.syncs[0]?.(null);
    expect(port.said()).toEqual(['commit']);
    thread.syncs[1]?.(null);
    expect(port.said()).toEqual(['commit']);
  });

  it('never comes after a sync that failed, and nothing is done any more', () => {
    slowDown();
    ask(commit(create(1)));
    thread.syncs[0]?.(new Error('EIO: i/o error, fdatasync'));
    expect(port.sent).toMatchObject([{ kind: 'failed', message: expect.stringContaining('EIO') as string }]);
    expect(port.isClosed).toBe(true);
  });

  it('to several reads goes off in parts, each with some MiB and one read at least', () => {
    const body = 'x'.repeat(MIB);
    ask(commit(create(1), ...[1, 2, 3].map((seq) => publish(publication([[1, seq]], { body })))));
    port.said();
    ask(read(), read(), read(), read());
    const messages = port.sent.splice(0);
    const bytes = messages.map((message) => (message.kind === 'answers' ? (message.messages?.bytes.byteLength ?? 0) : 0));
    expect(messages).toHaveLength(2);
    for (const sent of bytes) expect(Math.round(sent / MIB)).toBe(6);
  });

  it('to reads of blocks that hold more than what is left of them goes off in parts as well', () => {
    const body = 'x'.repeat(6000);
    const seqs = (from: number): number[] => Array.from({ length: 20 }, (_, i) => from + i);
    for (let queue = 1; queue <= 60; queue++) {
      const published = seqs(100 * queue).map((seq) => publish(publication([[queue, seq]], { body })));
      const settled = { kind: 'settle', queue, messages: seqs(100 * queue + 1).map((seq) => ({ seq, sharedBody: 0 })) } as const;
      ask(commit(create(queue), ...published));
      ask(commit(settled));
    }
    port.said();
    ask(...Array.from({ length: 60 }, (_, i) => read(i + 1)));
    expect(port.sent.length).toBeGreaterThan(1);
    expect(port.sent.length).toBeLessThan(5);
  });
});

it('gives the memory of a batch back when it is written', () => {
  const request = commit(create(1), publish(publication([[1, 1]])));
  expect(request.batch.numbers.byteLength).toBeGreaterThan(0);
  ask(request);
  expect([request.batch.numbers.byteLength, request.batch.bytes.byteLength]).toEqual([0, 0]);
});

it('closes: syncs and answers what it was asked before, lets go of the file, and looks at nothing that comes later', () => {
  slowDown();
  ask(commit(create(1)), close, commit(create(2)));
  expect(port.said()).toEqual(['commit close']);
  expect(port.isClosed).toBe(true);
  const engine = new SqliteEngine(path);
  expect([engine.find('default', 'queue-1')?.id, engine.find('default', 'queue-2')]).toEqual([1, undefined]);
  engine.close();
});

it('removes what is left of a queue that is gone, a slice at a time', async () => {
  const apart = Array.from({ length: 1500 }, (_, i) => publish(publication([[1, 3 * i + 1]], { due: 1 })));
  ask(commit(create(1), ...apart), commit({ kind: 'remove', queue: 1 }));
  const db = new Database(path, { readonly: true });
  const left = db.prepare<[], number>('SELECT count(*) FROM message').pluck();
  const seen = new Set<number | undefined>();
  await vi.waitFor(() => expect(seen.add(left.get())).toContain(0), { timeout: 15_000, interval: 1 });
  db.close();
  expect(seen.size).toBeGreaterThan(2);
});
