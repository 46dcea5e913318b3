/** What rotted on the disk is never given out: it is reported, and the others go on. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packBatch } from '../../src/store/sqlite/batch-codec.ts';
import type { Damage } from '../../src/store/sqlite/damage.ts';
import { SqliteEngine } from '../../src/store/sqlite/engine.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Change, ReadLimits, Selection, Store } from '../../src/store/store.ts';
import { create, FROM_START, NO_LIMITS, publication, publish, publishSeqs, settle } from './changes.ts';
import { makeTemporaryDirectory, removeDirectory } from './temporary-directory.ts';

let directory: string;
let path: string;
let engine: SqliteEngine;
beforeEach(() => {
  directory = makeTemporaryDirectory();
  path = join(directory, 'holdfast.db');
  engine = new SqliteEngine(path);
});
afterEach(() => {
  engine.close();
  removeDirectory(directory);
});

const many = (count: number, from: number): number[] => Array.from({ length: count }, (_, i) => from + i);
const commit = (...changes: Change[]): void => void engine.commit(packBatch(changes));

/** Changes the file behind the checksums' back, as rot does. */
function rot(sql: string): void {
  engine.close();
  const db = new Database(path);
  expect(db.prepare(sql).run().changes).toBeGreaterThan(0);
  db.close();
  engine = new SqliteEngine(path);
}

function read(queue: number, selection: Selection = FROM_START, limits: ReadLimits = NO_LIMITS) {
  const { rows, more, damaged } = engine.read(queue, selection, limits);
  return { seqs: rows.map(([seq]) => seq), more, damaged };
}

const lost = (what: Damage['what'], ...seqs: number[]): Damage[] => seqs.map((seq) => ({ queue: 1, seq, what }));

describe('a block', () => {
  const others = [...many(20, 200), 300];
  beforeEach(() => {
    commit({ kind: 'reserve', seq: 1000 }, create(1), create(2), ...publishSeqs(1, many(20, 100)));
    commit(...publishSeqs(1, many(20, 200)));
    commit(...publishSeqs(1, [300]));
    commit(settle(1, [105]));
  });

  it.each([
    ['another body', "UPDATE block SET data = CAST(replace(data, 'hello', 'jello') AS BLOB) WHERE first = 100"],
    ['less data', 'UPDATE block SET data = substr(data, 1, 500) WHERE first = 100'],
    ['data of another type', "UPDATE block SET data = 'text' WHERE first = 100"],
    ['another end', 'UPDATE block SET last = 700 WHERE first = 100'],
    ['an end before its beginning', 'UPDATE block SET last = 5 WHERE first = 100'],
    ['another rest', "UPDATE block_rest SET members = x'ffffff' WHERE block = 100"],
    ['no rest', 'DELETE FROM block_rest WHERE block = 100'],
    [
      'a rest of another block',
      'UPDATE block_rest SET members = (SELECT members FROM block_rest WHERE block = 200) WHERE block = 100',
    ],
    ['data of another block', 'UPDATE block SET data = (SELECT data FROM block WHERE first = 200) WHERE first = 100'],
  ])('with %s is left out and reported, and the others go on', (_, damage) => {
    rot(damage);
    expect(read(1)).toEqual({ seqs: others, more: false, damaged: lost('block', 100) });
    expect(read(1, { kind: 'after', seq: 110 }).seqs).toEqual(others);
    expect(read(1, { kind: 'these', seqs: [103, 203] })).toMatchObject({ seqs: [203] });
  });

  it('that moved to another queue is delivered in neither', () => {
    rot('UPDATE block SET queue = 2 WHERE first = 100');
    expect(read(1).seqs).toEqual(others);
    expect(read(2)).toEqual({ seqs: [], more: false, damaged: [{ queue: 2, seq: 100, what: 'block' }] });
  });

  it('stays as it is when some of its messages are settled or come back', () => {
    rot("UPDATE block SET data = CAST(replace(data, 'hello', 'jello') AS BLOB) WHERE first = 100");
    commit({ kind: 'return', queue: 1, seq: 110, attempts: 1, due: 0 });
    expect(read(1, { kind: 'these', seqs: [110] })).toEqual({ seqs: [], more: false, damaged: lost('block', 100) });
    rot('UPDATE block SET last = last + 1 WHERE first = 100');
    commit(settle(1, [...many(20, 100), 203, 300]));
    expect(read(1)).toEqual({ seqs: many(20, 200).filter((seq) => seq !== 203), more: false, damaged: lost('block', 100) });
  });
});

describe('a message in a row of its own', () => {
  beforeEach(() => {
    commit({ kind: 'reserve', seq: 1000 }, create(1), create(2), ...publishSeqs(1, [1, 2, 3]));
    commit(
      publish(publication([[1, 4]], { due: 5000, attributes: { from: 'me' } })),
      publish(publication([[1, 5]], { due: 5000 })),
    );
    commit({ kind: 'return', queue: 1, seq: 3, attempts: 2, due: 0 });
  });

  it.each([
    ['another body', 'UPDATE message SET body = CAST(\'"jello"\' AS BLOB) WHERE seq = 2'],
    ['a body of another type', 'UPDATE message SET body = 1.5 WHERE seq = 2'],
    ['a body that is said to be shared', 'UPDATE message SET body = 77 WHERE seq = 2'],
    ['another id', "UPDATE message SET id = replace(id, '2', '3') WHERE seq = 2"],
    ['another time', 'UPDATE message SET time = time + 1 WHERE seq = 2'],
    ['attributes that it did not have', "UPDATE message SET attributes = x'7b7d' WHERE seq = 2"],
    ['other attempts', 'UPDATE message SET attempts = 1 WHERE seq = 2'],
    ['the checksum of another', 'UPDATE message SET checksum = (SELECT checksum FROM message WHERE seq = 1) WHERE seq = 2'],
  ])('with %s is left out and reported, and the others go on', (_, damage) => {
    rot(damage);
    expect(read(1)).toEqual({ seqs: [1, 3], more: false, damaged: lost('message', 2) });
    expect(read(1, FROM_START, { messagesMax: 1, bytesMax: 1 })).toEqual({ seqs: [1], more: true, damaged: [] });
    expect(read(1, { kind: 'these', seqs: [1, 2] })).toEqual({ seqs: [1], more: false, damaged: lost('message', 2) });
  });

  it('stays damaged when it is given back', () => {
    rot('UPDATE message SET attempts = 1 WHERE seq = 2');
    commit({ kind: 'return', queue: 1, seq: 2, attempts: 5, due: 0 });
    expect(read(1)).toEqual({ seqs: [1, 3], more: false, damaged: lost('message', 2) });
  });

  it('that moved to another queue is delivered in neither', () => {
    rot('UPDATE message SET queue = 2 WHERE seq = 2');
    expect(read(1).seqs).toEqual([1, 3]);
    expect(read(2)).toEqual({ seqs: [], more: false, damaged: [{ queue: 2, seq: 2, what: 'message' }] });
  });

  it('is checked with a due time alike', () => {
    expect(read(1, { kind: 'due', due: 0, seq: 0 })).toEqual({ seqs: [4, 5], more: false, damaged: [] });
    rot('UPDATE message SET due = 5001 WHERE seq = 4');
    expect(read(1, { kind: 'due', due: 0, seq: 0 })).toEqual({ seqs: [5], more: false, damaged: lost('message', 4) });
    rot("UPDATE message SET attributes = CAST(replace(attributes, 'me', 'we') AS BLOB), due = 5000 WHERE seq = 4");
    expect(read(1, { kind: 'due', due: 5000, seq: 3 })).toEqual({ seqs: [5], more: false, damaged: lost('message', 4) });
  });
});

describe('a message that an index still leads to', () => {
  /** Changes rows without their index. */
  function rotWithoutIndex(sql: string): void {
    engine.close();
    const [row] = schema((db) => {
      const found = db.prepare("SELECT * FROM sqlite_schema WHERE name = 'message_place'").raw().all();
      db.exec("DELETE FROM sqlite_schema WHERE name = 'message_place'");
      return found;
    });
    schema((db) => db.exec(sql));
    schema((db) => db.prepare('INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)').run(row));
    engine = new SqliteEngine(path);
  }

  function schema<T>(work: (db: Database.Database) => T): T {
    const db = new Database(path);
    try {
      db.unsafeMode().pragma('writable_schema = ON');
      return work(db);
    } finally {
      db.close();
    }
  }

  beforeEach(() => commit({ kind: 'reserve', seq: 1000 }, create(1), create(2), ...publishSeqs(1, [1, 2, 3])));

  it('is not delivered when it is another queue’s', () => {
    rotWithoutIndex('UPDATE message SET queue = 2 WHERE seq = 2');
    expect(read(1)).toEqual({ seqs: [1, 3], more: false, damaged: lost('message', 2) });
    expect(read(2)).toEqual({ seqs: [], more: false, damaged: [] });
  });

  it('is not delivered before its time', () => {
    commit(publish(publication([[1, 4]], { due: 5000 })));
    rotWithoutIndex('UPDATE message SET due = 0 WHERE seq = 4');
    expect(read(1, { kind: 'due', due: 0, seq: 0 })).toEqual({ seqs: [], more: false, damaged: lost('message', 4) });
  });

  it('ends the store when it is to be settled and can’t be deleted, rather than to come again', async () => {
    rotWithoutIndex('UPDATE message SET queue = 2 WHERE seq = 2');
    engine.close();
    for (const seqs of [[2], [1, 2, 3]]) {
      const store = await openSqliteStore({ path });
      await expect(store.commit([settle(1, seqs)])).rejects.toMatchObject({
        code: 'corrupt',
        message: "the database is damaged (message 2 can't be deleted): run `holdfast check`",
      });
      await store.close();
    }
    engine = new SqliteEngine(path);
    expect(read(1).seqs).toEqual([1, 3]);
  });
});

describe('a shared body', () => {
  beforeEach(() =>
    commit(
      { kind: 'reserve', seq: 1000 },
      create(1),
      create(2),
      publish(
        publication([
          [1, 1],
          [2, 2],
        ]),
      ),
      publish(
        publication(
          [
            [1, 3],
            [2, 4],
          ],
          { body: '"other"' },
        ),
      ),
    ),
  );

  it.each([
    ['changed', "UPDATE body SET data = CAST(replace(data, 'hello', 'jello') AS BLOB) WHERE id = 1"],
    ['changed with another', 'UPDATE body SET (data, checksum) = (SELECT data, checksum FROM body WHERE id = 3) WHERE id = 1'],
    ['gone', 'DELETE FROM body WHERE id = 1'],
  ])('that is %s takes its messages with it, and no others', (_, damage) => {
    rot(damage);
    expect(read(1)).toEqual({ seqs: [3], more: false, damaged: lost('message', 1) });
    expect(read(2).seqs).toEqual([4]);
  });

  it('is not given out for another', () => {
    rot('UPDATE message SET body = 3 WHERE seq = 1');
    expect(read(1)).toEqual({ seqs: [3], more: false, damaged: lost('message', 1) });
  });
});

describe('the record of a queue', () => {
  it.each([
    ['its name', "UPDATE queue SET name = 'queue-7'", 'queue-7'],
    ['its settings', "UPDATE queue SET settings = replace(settings, '30000', '90000')", 'queue-1'],
  ])('ends the store when %s is another', async (_, damage, name) => {
    commit(create(1));
    rot(damage);
    engine.close();
    const configure: Change = { kind: 'configure', queue: 1, settings: { leaseMs: 1, backoffMs: [] } };
    for (const use of [(store: Store) => store.find('default', name), (store: Store) => store.commit([configure])]) {
      const store = await openSqliteStore({ path });
      await expect(use(store)).rejects.toMatchObject({
        code: 'corrupt',
        message: 'the database is damaged (the record of queue 1): run `holdfast check`, or restore a backup',
      });
      await store.close();
    }
    engine = new SqliteEngine(path);
  });

  it('is sound after it was configured', () => {
    commit(create(1));
    commit({ kind: 'configure', queue: 1, settings: { leaseMs: 1, backoffMs: [] } });
    expect(engine.find('default', 'queue-1')).toMatchObject({ settings: { leaseMs: 1 } });
  });

  it('keeps its messages when the list of removed queues names it', () => {
    commit({ kind: 'reserve', seq: 100 }, create(1), ...publishSeqs(1, [1, 2]));
    rot('INSERT INTO doomed VALUES (1)');
    expect(engine.hasChores).toBe(false);
    expect(read(1).seqs).toEqual([1, 2]);
  });
});

it('the store tells of each damaged message once', async () => {
  commit({ kind: 'reserve', seq: 100 }, create(1), ...publishSeqs(1, [1, 2, 3]));
  rot("UPDATE message SET body = x'22' WHERE seq = 2");
  engine.close();
  const told: Damage[] = [];
  const store = await openSqliteStore({ path, onDamage: (damage) => told.push(damage) });
  for (let i = 0; i < 2; i++) expect((await store.read(1, FROM_START, NO_LIMITS)).messages.map(({ seq }) => seq)).toEqual([1, 3]);
  await store.close();
  expect(told).toEqual(lost('message', 2));
  engine = new SqliteEngine(path);
});
