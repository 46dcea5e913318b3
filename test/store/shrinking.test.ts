/** What a drained queue took on disk is given back, without hurry and without loss. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { packBatch } from '../../src/store/sqlite/batch-codec.ts';
import { checkDatabase } from '../../src/store/sqlite/check.ts';
import { SqliteEngine } from '../../src/store/sqlite/engine.ts';
import type { Change } from '../../src/store/store.ts';
import { create, FROM_START, NO_LIMITS, publication, publish, settle } from './changes.ts';
import { makeTemporaryDirectory, removeDirectory } from './temporary-directory.ts';

const MESSAGES = 64;
const BODY = 'x'.repeat(1024 * 1024);
/** The message that nobody settles. */
const LEFT = MESSAGES / 2;
const LOOKS = 120;

let directory: string;
let path: string;
let engine: SqliteEngine;
beforeEach(() => {
  directory = makeTemporaryDirectory();
  path = join(directory, 'holdfast.db');
  engine = new SqliteEngine(path);
});
afterEach(() => removeDirectory(directory));

const commit = (...changes: Change[]): void => void engine.commit(packBatch(changes));
const fill = (from: number): void => {
  for (let seq = from; seq < from + MESSAGES; seq++) commit(publish(publication([[1, seq]], { body: BODY })));
};
const seqs = (from: number): number[] => Array.from({ length: MESSAGES }, (_, i) => from + i);
const look = (times: number): boolean[] => Array.from({ length: times }, () => engine.lookForFreePages());

it('gives back what was free for a while, in slices, and keeps what is not free', () => {
  commit({ kind: 'reserve', seq: 10_000 }, create(1));
  fill(1);
  commit(
    settle(
      1,
      seqs(1).filter((seq) => seq !== LEFT),
    ),
  );
  const peak = statSync(path).size;
  expect(peak).toBeGreaterThan(MESSAGES * BODY.length * 0.9);
  expect(look(LOOKS - 1)).not.toContain(false);
  expect(engine.hasChores).toBe(false);
  look(1);
  let slices = 0;
  const sizes = new Set<number>();
  for (; engine.hasChores; slices++) {
    engine.doChore();
    sizes.add(statSync(path).size);
  }
  expect(slices).toBeGreaterThan(50);
  // bit by bit, since carrying over all of it at once would hold up the commits that come meanwhile
  expect(sizes.size).toBeGreaterThan(2);
  expect(statSync(path).size).toBeLessThan(peak / 10);
  expect(engine.read(1, FROM_START, NO_LIMITS).rows.map(([seq]) => seq)).toEqual([LEFT]);
  engine.close();
  expect(checkDatabase(path).findings).toEqual([]);
});

it('leaves alone what is taken again', () => {
  commit(create(1));
  fill(1);
  commit(settle(1, seqs(1)));
  look(LOOKS - 1);
  fill(1000);
  look(1);
  expect(engine.hasChores).toBe(false);
  engine.close();
});

it('stops looking where nothing is free', () => {
  commit(create(1));
  expect(look(1)).toEqual([false]);
  expect(engine.hasChores).toBe(false);
  engine.close();
});
