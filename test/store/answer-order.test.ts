/**
 * The broker takes a message into memory when its commit is told, and knows by the order of answers whether a read has seen it. So
 * answers must come in the order of the calls, also when several come in one turn, each as soon as any other: an engine whose
 * `commit` answered a tick later than its `read` would make the broker deliver a message twice.
 */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { create, FROM_START, NO_LIMITS, publishSeqs } from './changes.ts';
import { makeTemporaryDirectory, removeDirectory } from './temporary-directory.ts';

const ROUNDS = 100;
const CALLS = 12;

async function callsAtRandom(store: Store, random: SeededRandom): Promise<void> {
  const told: number[] = [];
  const misread: string[] = [];
  const all: Promise<unknown>[] = [];
  let committed = 0;
  let seq = 1;
  await store.commit([create(1)]);
  for (let n = 0; n < ROUNDS * CALLS; n++) {
    const tell = (): void => void told.push(n);
    const kind = random.between(0, 4);
    if (kind <= 1) {
      committed++;
      all.push(store.commit(publishSeqs(1, [seq++])).then(tell));
    } else if (kind === 2) {
      const seen = seq - 1;
      all.push(
        store.read(1, FROM_START, { ...NO_LIMITS, messagesMax: 1e6 }).then(({ messages }) => {
          tell();
          if (messages.length !== seen) misread.push(`${messages.length} instead of ${seen}`);
        }),
      );
    } else if (kind === 3) all.push(store.find('default', 'queue-1').then(tell));
    else all.push(store.match('default', 'a.b').then(tell));
    // all in one turn, with ticks in between, or in turns of their own
    if (random.chance(0.2)) await Promise.resolve();
    if (random.chance(0.05)) await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(all);
  expect(misread).toEqual([]);
  expect(committed).toBeGreaterThan(0);
  expect(told).toEqual(Array.from({ length: ROUNDS * CALLS }, (_, n) => n));
}

describe('answers come in the order of the calls, in the same turn as well', () => {
  const seed = Date.now() % 1_000_000;

  it(`from the memory store (seed ${seed})`, async () => {
    const store = new MemoryStore();
    await callsAtRandom(store, new SeededRandom(seed));
    await store.close();
  });

  it(`from the SQLite store (seed ${seed})`, async () => {
    const directory = makeTemporaryDirectory();
    const store = await openSqliteStore({ path: join(directory, 'holdfast.db') });
    try {
      await callsAtRandom(store, new SeededRandom(seed));
    } finally {
      await store.close();
      removeDirectory(directory);
    }
  });
});
