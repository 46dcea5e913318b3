/** What is the SQLite engine's own: opening, locking, slices of removal, checking, failing. */
import { Buffer } from 'node:buffer';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { packBatch } from '../../src/store/sqlite/batch-codec.ts';
import { BLOCK_MESSAGES_MIN } from '../../src/store/sqlite/blocks.ts';
import { checkDatabase, defineCheckFunctions, RULES } from '../../src/store/sqlite/check.ts';
import { openDatabase, refuseOldSqlite } from '../../src/store/sqlite/database.ts';
import { SqliteEngine } from '../../src/store/sqlite/engine.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { prepareStatements } from '../../src/store/sqlite/statements.ts';
import type { Change } from '../../src/store/store.ts';
import { create, FROM_START, guardOf, idOf, NO_LIMITS, publication, publish, publishSeqs, settle } from './changes.ts';
import { makeTemporaryDirectory, removeDirectory } from './temporary-directory.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = makeTemporaryDirectory();
  path = join(directory, 'holdfast.db');
});
afterEach(() => removeDirectory(directory));

const many = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

/** Opens the engine, has it do something, and closes it. */
function withEngine<T>(work: (engine: SqliteEngine, commit: (...changes: Change[]) => void) => T): T {
  const engine = new SqliteEngine(path);
  try {
    return work(engine, (...changes) => void engine.commit(packBatch(changes)));
  } finally {
    engine.close();
  }
}

function plant(sql: string): void {
  const db = new Database(path);
  db.exec(sql);
  db.close();
}

function numberFrom(sql: string): number {
  const db = new Database(path, { readonly: true });
  try {
    return Number(db.prepare(sql).pluck().get());
  } finally {
    db.close();
  }
}

describe('opening', () => {
  it('sets what durability and space depend on, and keeps it', () => {
    openDatabase(path).close();
    const db = openDatabase(path);
    const pragma = (name: string) => db.pragma(name, { simple: true });
    expect(pragma('application_id')).toBe(0x486c6466);
    expect(pragma('user_version')).toBe(3);
    expect(pragma('page_size')).toBe(8192);
    expect(pragma('auto_vacuum')).toBe(2);
    expect(pragma('journal_mode')).toBe('wal');
    expect(pragma('synchronous')).toBe(2);
    expect(pragma('wal_autocheckpoint')).toBe(0);
    expect(pragma('journal_size_limit')).toBe(67_108_864);
    expect(pragma('foreign_keys')).toBe(0);
    expect(pragma('temp_store')).toBe(2);
    expect(pragma('cache_size')).toBe(-16_384);
    db.close();
  });

  it('makes directories that are not there, for their owner alone', async () => {
    path = join(directory, 'a', 'b', 'holdfast.db');
    await (await openSqliteStore({ path })).close();
    expect(statSync(join(directory, 'a', 'b')).mode & 0o777).toBe(0o700);
  });

  it('goes on where an earlier start was cut off before it had a schema', () => {
    plant('PRAGMA journal_mode = WAL');
    expect(withEngine((engine) => engine.recover())).toEqual({ seq: 1, queue: 1 });
  });

  it('refuses a file that is no database, and leaves it as it is', async () => {
    writeFileSync(path, 'A letter to a friend. '.repeat(100));
    await expect(openSqliteStore({ path })).rejects.toMatchObject({
      code: 'not_ours',
      message: `${path} is not a Holdfast database: give another path, or move that file away`,
    });
    expect(statSync(path).size).toBe(2200);
  });

  it('refuses a database of another program, also one that has only a table', async () => {
    plant('CREATE TABLE song (title TEXT)');
    await expect(openSqliteStore({ path })).rejects.toMatchObject({ code: 'not_ours' });
    plant('PRAGMA application_id = 77');
    await expect(openSqliteStore({ path })).rejects.toMatchObject({
      code: 'not_ours',
      message: `${path} belongs to another program: give another path, or move that file away`,
    });
    expect(existsSync(`${path}-wal`)).toBe(false);
  });

  it('refuses a schema that is newer than the program', async () => {
    openDatabase(path).close();
    plant('PRAGMA user_version = 99');
    await expect(openSqliteStore({ path })).rejects.toMatchObject({ code: 'newer_schema' });
    await expect(openSqliteStore({ path })).rejects.toThrow(
      /was written by a newer Holdfast \(schema 99\).*run a newer Holdfast/,
    );
  });

  it('refuses a schema from before there were checksums', async () => {
    openDatabase(path).close();
    plant('PRAGMA user_version = 2');
    await expect(openSqliteStore({ path })).rejects.toMatchObject({ code: 'older_schema' });
    await expect(openSqliteStore({ path })).rejects.toThrow(/from before its first release \(schema 2\): drain it with that one/);
    expect(() => checkDatabase(path)).toThrow(/schema 2/);
  });

  it('refuses reserved numbers that differ from their copies', () => {
    openDatabase(path).close();
    plant('UPDATE broker SET seq_next = 7');
    expect(() => withEngine((engine) => engine.recover())).toThrow('is damaged (its reserved numbers): restore a backup');
  });

  it('refuses a directory that is a file', async () => {
    writeFileSync(join(directory, 'file'), '');
    await expect(openSqliteStore({ path: join(directory, 'file', 'holdfast.db') })).rejects.toMatchObject({ code: 'failed' });
  });

  it('refuses an old SQLite and takes a newer one', () => {
    for (const old of ['3.51.2', '3.50.9', '2.99.99']) expect(() => refuseOldSqlite(old)).toThrow(`SQLite ${old} is too old`);
    for (const good of ['3.51.3', '3.51.10', '3.60.0', '4.0.0']) expect(() => refuseOldSqlite(good)).not.toThrow();
  });

  it('finds every row by an index, with a million queues as with one', () => {
    const db = openDatabase(path);
    for (const { source } of Object.values(prepareStatements(db))) {
      if (!source.includes('?') && !source.trim().startsWith('SELECT')) continue;
      const values = Array.from(source.matchAll(/\?/g), () => null);
      const plan = db.prepare<null[], { readonly detail: string }>(`EXPLAIN QUERY PLAN ${source}`).all(...values);
      for (const { detail } of plan)
        expect(`${source}: ${detail}`).not.toMatch(/SCAN (?:message|queue|body|body_use|binding)$|TEMP B-TREE/);
    }
    db.close();
  });
});

describe('the lock', () => {
  const inUse = () => `${directory} is in use by another Holdfast (lock file ${join(directory, 'holdfast.lock')})`;

  it('keeps a second store of the same process out until the first one is closed', async () => {
    const first = await openSqliteStore({ path });
    await expect(openSqliteStore({ path })).rejects.toMatchObject({ code: 'locked', message: inUse() });
    await expect(openSqliteStore({ path })).rejects.toMatchObject({ code: 'locked' });
    expect(() => checkDatabase(path)).toThrow(inUse());
    await first.close();
    await (await openSqliteStore({ path })).close();
  });

  it('keeps another process out, and goes with it when it is killed, confirmed messages staying', async () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', holderProgram()], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await firstOutputOf(child);
    await expect(openSqliteStore({ path })).rejects.toMatchObject({ code: 'locked', message: inUse() });
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(checkDatabase(path)).toMatchObject({ findings: [], counts: { queues: 1, messages: 3 } });
    const store = await openSqliteStore({ path });
    expect((await store.read(1, FROM_START, NO_LIMITS)).messages).toHaveLength(3);
    await store.close();
  });

  function holderProgram(): string {
    const source = (name: string) => JSON.stringify(new URL(`../../src/store/sqlite/${name}.ts`, import.meta.url).href);
    const changes = [{ kind: 'reserve', seq: 100 }, create(1), ...publishSeqs(1, [1, 2, 3])];
    return `
      import { SqliteEngine } from ${source('engine')};
      import { packBatch } from ${source('batch-codec')};
      const engine = new SqliteEngine(${JSON.stringify(path)});
      engine.commit(packBatch(${JSON.stringify(changes)}));
      console.log('committed');
      setInterval(() => engine.recover(), 1000);`;
  }

  async function firstOutputOf(child: ChildProcess): Promise<void> {
    if (child.stdout !== null) await once(child.stdout, 'data');
  }
});

describe('removal', () => {
  const messagesLeft = () =>
    numberFrom('SELECT (SELECT count(*) FROM message) + (SELECT coalesce(sum(last - first + 1), 0) FROM block)');
  const remove: Change = { kind: 'remove', queue: 1 };

  it('deletes the messages of a removed queue in slices, and goes on after a restart', () => {
    withEngine((engine, commit) => {
      for (const seq of many(2500)) commit(...(seq === 1 ? [create(1)] : []), ...publishSeqs(1, [seq]));
      commit(remove);
      expect(messagesLeft()).toBe(2500);
      engine.doChore();
      expect(messagesLeft()).toBe(1500);
    });
    withEngine((engine) => {
      expect(engine.hasChores).toBe(true);
      while (engine.hasChores) engine.doChore();
      expect(messagesLeft()).toBe(0);
    });
  });

  it('deletes messages that came together alike', () => {
    withEngine((engine, commit) => {
      commit(create(1), ...publishSeqs(1, many(2500)));
      expect(numberFrom('SELECT count(*) FROM message')).toBe(0);
      commit(settle(1, [7]), remove);
      engine.doChore();
      expect(messagesLeft()).toBe(2500 - 1024);
      while (engine.hasChores) engine.doChore();
      expect(messagesLeft()).toBe(0);
      expect(numberFrom('SELECT count(*) FROM block_rest')).toBe(0);
    });
  });

  it('clears many removed queues in one slice', () => {
    withEngine((engine, commit) => {
      commit(...many(300).flatMap((queue) => [create(queue), ...publishSeqs(queue, [2 * queue])]));
      commit(...many(300).map((queue): Change => ({ kind: 'remove', queue })));
      engine.doChore();
      expect(engine.hasChores).toBe(false);
      expect(messagesLeft()).toBe(0);
    });
  });

  it('cuts slices of large messages short', () => {
    withEngine((engine, commit) => {
      const body = 'x'.repeat(1024 * 1024);
      commit(create(1), ...many(20).map((seq) => publish(publication([[1, seq]], { body }))));
      commit(remove);
      engine.doChore();
      expect(messagesLeft()).toBe(3);
    });
  });

  it('lets go of shared bodies, and of each with its last message', () => {
    withEngine((engine, commit) => {
      commit(
        create(1),
        create(2),
        ...many(5).map((i) =>
          publish(
            publication([
              [1, 2 * i],
              [2, 2 * i + 1],
            ]),
          ),
        ),
      );
      commit(settle(2, [3], 2), remove);
      while (engine.hasChores) engine.doChore();
      expect(numberFrom('SELECT count(*) FROM body')).toBe(4);
      commit({ kind: 'remove', queue: 2 });
      while (engine.hasChores) engine.doChore();
      expect(numberFrom('SELECT count(*) FROM body')).toBe(0);
      expect(numberFrom('SELECT count(*) FROM body_use')).toBe(0);
    });
  });

  it('is done by the writer itself when it has time, and transient queues after a start alike', async () => {
    withEngine((_, commit) => commit(create(1, { transient: true }), ...publishSeqs(1, many(1200))));
    const store = await openSqliteStore({ path });
    await vi.waitFor(() => expect(messagesLeft()).toBe(0));
    await store.commit([create(2), ...publishSeqs(2, many(2400).slice(1200))]);
    await store.commit([{ kind: 'remove', queue: 2 }]);
    await vi.waitFor(() => expect(messagesLeft()).toBe(0));
    await store.close();
  });
});

describe('remembered ids', () => {
  const remembered = () => numberFrom('SELECT count(*) FROM remembered');
  it('are forgotten when nobody asks for them any more, as new ones come', () => {
    const at = (time: number, n: number): Change =>
      publish(publication([], { id: idOf(n), time, guard: guardOf({ since: time - 1000 }) }));
    withEngine((_, commit) => {
      commit(...many(100).map((n) => at(5000, n)));
      commit(at(6000, 101));
      expect(remembered()).toBe(101);
      commit(...many(10).map((n) => at(6001, 200 + n)));
      expect(remembered()).toBe(111 - 30);
      for (const n of many(50)) commit(at(6002, 300 + n));
      expect(remembered()).toBe(61);
    });
  });
});

describe('blocks', () => {
  const blocks = () => numberFrom('SELECT count(*) FROM block');
  const rests = () => numberFrom('SELECT count(*) FROM block_rest');
  const rows = () => numberFrom('SELECT count(*) FROM message');

  it('hold messages that came together, up to a size', () => {
    withEngine((_, commit) => {
      commit({ kind: 'reserve', seq: 30_000 }, create(1), create(2), ...publishSeqs(1, many(BLOCK_MESSAGES_MIN)));
      expect([blocks(), rows()]).toEqual([1, 0]);
      commit(
        ...publishSeqs(
          2,
          many(BLOCK_MESSAGES_MIN - 1).map((seq) => 100 + seq),
        ),
      );
      expect([blocks(), rows()]).toEqual([1, BLOCK_MESSAGES_MIN - 1]);
      const body = 'x'.repeat(10_000);
      commit(...many(28).map((n) => publish(publication([[1, 200 + n]], { body }))));
      expect([blocks(), rows()]).toEqual([3, BLOCK_MESSAGES_MIN - 1 + 2]);
      commit(
        ...publishSeqs(
          1,
          many(20).map((n) => 1000 * n),
        ),
      );
      expect([blocks(), rows()]).toEqual([3, BLOCK_MESSAGES_MIN - 1 + 2 + 20]);
    });
    expect(checkDatabase(path).findings).toEqual([]);
  });

  it('go with the last of their messages', () => {
    withEngine((_, commit) => {
      commit({ kind: 'reserve', seq: 100 }, create(1), ...publishSeqs(1, many(20)));
      commit(settle(1, many(12)), settle(1, [3, 12, 50]));
      expect([blocks(), rests(), rows()]).toEqual([1, 1, 0]);
    });
    expect(checkDatabase(path)).toMatchObject({ findings: [], counts: { messages: 8 } });
    withEngine((_, commit) => {
      commit(settle(1, many(20)));
      expect([blocks(), rests(), rows()]).toEqual([0, 0, 0]);
    });
    expect(checkDatabase(path)).toMatchObject({ findings: [], counts: { messages: 0 } });
  });

  it('give a message that is returned a row of its own, once', () => {
    withEngine((_, commit) => {
      commit({ kind: 'reserve', seq: 100 }, create(1), ...publishSeqs(1, many(20)));
      const back: Change = { kind: 'return', queue: 1, seq: 5, attempts: 1, due: 0 };
      commit(back, { ...back, attempts: 2 });
      expect([blocks(), rests(), rows()]).toEqual([1, 1, 1]);
      commit(settle(1, [5]));
      commit(back);
      expect([blocks(), rests(), rows()]).toEqual([1, 1, 0]);
    });
    expect(checkDatabase(path)).toMatchObject({ findings: [], counts: { messages: 19 } });
  });
});

describe('the check', () => {
  const fanOut = publish(
    publication([
      [1, 50],
      [2, 51],
    ]),
  );
  beforeEach(() => {
    withEngine((_, commit) => {
      commit({ kind: 'reserve', seq: 100 }, create(1), create(2), ...publishSeqs(1, [1, 2, 3]), fanOut);
      commit(
        ...publishSeqs(
          2,
          many(10).map((n) => 59 + n),
        ),
      );
      commit(settle(2, [68]), settle(1, [2]), { kind: 'bind', namespace: 'default', queue: 1, filter: 'a.*' });
      commit(publish(publication([[1, 4]], { id: idOf(4), guard: guardOf(), due: 99 })));
    });
  });

  it('counts, and finds nothing in a database that is whole', () => {
    const { findings, counts } = checkDatabase(path);
    expect(findings).toEqual([]);
    expect(counts).toEqual({ queues: 2, messages: 14, bodies: 1, bindings: 1, rememberedIds: 1, bytes: statSync(path).size });
  });

  it('counts messages of removed queues no more, and finds no fault with them', () => {
    withEngine((_, commit) => commit({ kind: 'remove', queue: 1 }));
    expect(checkDatabase(path)).toMatchObject({ findings: [], counts: { queues: 1, messages: 10 } });
  });

  it.each([
    ['a lost message', 'DELETE FROM message WHERE seq = 1', 'queue 1 (queue-1) should hold 4 messages by its ledger and holds 3'],
    [
      'a wrong ledger',
      'UPDATE queue SET accepted = 9 WHERE id = 2',
      'queue 2 (queue-2) should hold 8 messages by its ledger and holds 10',
    ],
    ['messages of no queue', 'UPDATE message SET queue = 9 WHERE seq = 1', '1 messages are in queue 9, which does not exist'],
    ['a seq from beyond', 'UPDATE broker SET seq_next = 51', 'message 51 of queue 2 has a seq from 51 on, which is not reserved'],
    ['a malformed id', "UPDATE message SET id = 'x' WHERE seq = 3", "message 3 of queue 1 has the malformed id 'x'"],
    ['a lost body', 'DELETE FROM body', 'message 50 of queue 1 refers to body 50, which does not exist'],
    ['a body of another type', "UPDATE message SET body = 'text' WHERE seq = 3", 'message 3 of queue 1 has a body of type text'],
    ['a wrong count of a body', 'UPDATE body_use SET refs = 3', 'body 50 counts 3 messages and 2 refer to it'],
    ['a body without its count', 'DELETE FROM body_use', 'body 50 has no count of its messages'],
    ['a binding of no queue', 'UPDATE binding SET queue = 9', 'queue 9 is bound to a.* and does not exist'],
    [
      'a queue id from beyond',
      'UPDATE broker SET queue_next = 2',
      'queue 2 (queue-2) has an id from 2 on, which is not reserved',
    ],
    ['a removed queue that is there', 'INSERT INTO doomed VALUES (2)', 'queue 2 (queue-2) was removed and exists'],
    ['a block of no queue', 'UPDATE block SET queue = 9', 'block 60 is in queue 9, which does not exist'],
    [
      'a block from beyond',
      'UPDATE broker SET seq_next = 60',
      'block 60 of queue 2 reaches to message 69, which is not reserved',
    ],
    ['what is left of no block', 'DELETE FROM block', 'what is left of block 60 is stored, and not the block itself'],
    [
      'a lost message of a block',
      "UPDATE block_rest SET members = x'7f02'",
      'queue 2 (queue-2) should hold 10 messages by its ledger and holds 9',
    ],
    [
      'a block that is cut short',
      'UPDATE block SET data = substr(data, 1, 500)',
      'block 60 of queue 2 is not what was stored: its checksum is wrong',
    ],
    [
      'another byte in a block',
      "UPDATE block SET data = CAST(replace(data, '00000000003c', '00000000003d') AS BLOB)",
      'block 60 of queue 2 is not what was stored: its checksum is wrong',
    ],
    [
      'too many left of a block',
      "UPDATE block_rest SET members = x'ff03'",
      'what is left of block 60 of queue 2 is not what was stored: its checksum is wrong',
    ],
    [
      'a block without what is left of it',
      'DELETE FROM block_rest',
      'what is left of block 60 of queue 2 is not what was stored: its checksum is wrong',
    ],
    [
      'another body',
      "UPDATE message SET body = x'2222' WHERE seq = 3",
      'message 3 of queue 1 is not what was stored: its checksum is wrong',
    ],
    [
      'another due time',
      'UPDATE message SET due = 98 WHERE seq = 4',
      'message 4 of queue 1 is not what was stored: its checksum is wrong',
    ],
    ['another shared body', "UPDATE body SET data = x'2222'", 'body 50 is not what was stored: its checksum is wrong'],
    [
      'a queue of another name',
      "UPDATE queue SET name = 'queue-3' WHERE id = 2",
      'the record of queue 2 (queue-3) is not what was stored: its checksum is wrong',
    ],
    ['other reserved numbers', 'UPDATE broker SET seq_next = 77', 'the reserved numbers differ from their copies'],
    ['lost reserved numbers', 'DELETE FROM broker', 'the row of reserved numbers is missing'],
    ['a malformed remembered id', "UPDATE remembered SET key = x'00'", "a remembered id is malformed: X'00'"],
  ])('finds %s', (_, damage, finding) => {
    plant(damage);
    expect(checkDatabase(path).findings).toContain(finding);
  });

  it('takes time in proportion to what is there: it looks other rows up and walks through none of them twice', () => {
    const db = openDatabase(path);
    defineCheckFunctions(db);
    const plans = RULES.map((rule) => db.prepare<[], { readonly detail: string }>(`EXPLAIN QUERY PLAN ${rule}`).all());
    db.close();
    expect(plans.flat().filter(({ detail }) => /^SEARCH .* LEFT-JOIN$/.test(detail))).toHaveLength(4);
    expect(plans.flat().filter(({ detail }) => /^SCAN .* LEFT-JOIN$/.test(detail))).toEqual([]);
  });

  it('finds damage to the file itself, and then trusts nothing else in it', () => {
    const page = numberFrom("SELECT pageno FROM dbstat WHERE name = 'message' LIMIT 1");
    const file = openSync(path, 'r+');
    writeSync(file, Buffer.alloc(4096, 0xff), 0, 4096, (page - 1) * 8192 + 4096);
    closeSync(file);
    const { findings, counts } = checkDatabase(path);
    expect(findings.join()).toMatch(/^the file is damaged: /);
    expect(counts).toBeUndefined();
  });

  it('refuses what is not ours', () => {
    writeFileSync(path, 'A letter to a friend. '.repeat(100));
    expect(() => checkDatabase(path)).toThrow('is not a Holdfast database');
    expect(() => checkDatabase(join(directory, 'other.db'))).toThrow(/other\.db can't be used/);
  });
});

describe('a failed commit', () => {
  it('ends the store: every open and later call rejects with the one error, and nothing of the batch stays', async () => {
    const store = await openSqliteStore({ path });
    await store.commit([create(1)]);
    const calls = [
      store.commit([...publishSeqs(1, [1]), create(1)]),
      store.find('default', 'queue-1'),
      store.commit(publishSeqs(1, [2])),
      store.read(1, FROM_START, NO_LIMITS),
    ];
    const errors = await Promise.all(
      calls.map((call) =>
        call.then(
          () => undefined,
          (error: unknown) => error,
        ),
      ),
    );
    expect(errors[0]).toMatchObject({ name: 'StoreError', code: 'failed' });
    expect(String(errors[0])).toMatch(/holdfast\.db can't be used: UNIQUE constraint failed: queue\.id/);
    expect(new Set(errors).size).toBe(1);
    await expect(store.recover()).rejects.toBe(errors[0]);
    await store.close();
    expect(checkDatabase(path)).toMatchObject({ findings: [], counts: { queues: 1, messages: 0 } });
  });
});
