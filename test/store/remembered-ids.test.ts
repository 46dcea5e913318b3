/** The ids that publishers gave are forgotten when nobody asks for them any more, and none before that. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BatchApplier } from '../../src/store/sqlite/batch-applier.ts';
import { packBatch } from '../../src/store/sqlite/batch-codec.ts';
import { openDatabase } from '../../src/store/sqlite/database.ts';
import { SqliteEngine } from '../../src/store/sqlite/engine.ts';
import { prepareStatements, type Statements } from '../../src/store/sqlite/statements.ts';
import { create, guardOf, publication, publish } from './changes.ts';
import { makeTemporaryDirectory, removeDirectory } from './temporary-directory.ts';

const START = 1_700_000_000_000;

let directory: string;
let db: Database.Database;
let statements: Statements;
let seq: number;
beforeEach(() => {
  seq = 0;
  directory = makeTemporaryDirectory();
  const path = join(directory, 'holdfast.db');
  new SqliteEngine(path).close();
  db = openDatabase(path);
  db.exec('BEGIN');
  statements = prepareStatements(db);
  new BatchApplier(statements).apply(packBatch([create(1)]));
});
afterEach(() => {
  db.close();
  removeDirectory(directory);
});

/** A publication at this time that gives its id, which is remembered for `window` ms; true when it was published already. */
function published(applier: BatchApplier, id: string, time: number, window: number): boolean {
  const guard = guardOf({ since: START + time - window });
  const change = publish(publication([[1, ++seq]], { id, time: START + time, guard }));
  return applier.apply(packBatch([change])).get(0) !== undefined;
}

const remembered = (): number => Number(db.prepare('SELECT count(*) FROM remembered').pluck().get());

it('holds no more than half as many again as are still asked for, and all of those', () => {
  const window = 1000;
  const applier = new BatchApplier(statements);
  const ids = Array.from({ length: 3 * window }, () => randomUUID());
  let most = 0;
  for (const [time, id] of ids.entries()) {
    expect(published(applier, id, time, window)).toBe(false);
    most = Math.max(most, remembered());
  }
  expect(most).toBeGreaterThan(window);
  expect(most).toBeLessThanOrEqual(1.5 * window + 1);
  for (const id of ids.slice(-window)) expect(published(applier, id, ids.length, window)).toBe(true);
});

it('forgets as well when it is always started again before it comes to the end of them', () => {
  const window = 10;
  const ids = Array.from({ length: 300 }, () => randomUUID());
  const applier = new BatchApplier(statements);
  for (const id of ids) published(applier, id, 0, window);
  expect(remembered()).toBe(ids.length);
  for (let time = 2 * window; time < 3000; time++) published(new BatchApplier(statements), randomUUID(), time, window);
  expect(remembered()).toBeLessThan(50);
});
