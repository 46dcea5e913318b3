/** Damage in the write-ahead log is told from what a crash has torn off. */
import {
  copyFileSync,
  existsSync,
  openSync,
  closeSync,
  readFileSync,
  readdirSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packBatch } from '../../src/store/sqlite/batch-codec.ts';
import { checkDatabase } from '../../src/store/sqlite/check.ts';
import { SqliteEngine } from '../../src/store/sqlite/engine.ts';
import { findLogDamage } from '../../src/store/sqlite/log-file.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { UNSYNCED_MAX } from '../../src/store/sqlite/wal-sync.ts';
import { create, FROM_START, NO_LIMITS, publishSeqs } from './changes.ts';
import { makeTemporaryDirectory, removeDirectory } from './temporary-directory.ts';

const FRAME_BYTES = 24 + 8192;
const at = (frame: number, offset = 0): number => 32 + (frame - 1) * FRAME_BYTES + offset;
/** Within a frame's header. */
const FIELDS = { page: 3, 'commit mark': 7, 'first salt': 8, 'second salt': 15, 'first sum': 16, 'second sum': 23, data: 4000 };

let directory: string;
/** A database as a crash leaves it, and the numbers of the frames that end its transactions. */
let path: string;
let commits: number[];
beforeEach(() => {
  directory = makeTemporaryDirectory();
  const live = join(directory, 'live.db');
  const engine = new SqliteEngine(live);
  engine.commit(packBatch([{ kind: 'reserve', seq: 1000 }, create(1)]));
  for (let seq = 1; seq <= 6; seq++) engine.commit(packBatch(publishSeqs(1, [seq])));
  path = join(directory, 'crashed', 'holdfast.db');
  crashInto(live, 'crashed');
  engine.close();
  commits = commitsOf(readFileSync(`${path}-wal`));
});
afterEach(() => removeDirectory(directory));

function crashInto(live: string, name: string): void {
  path = join(directory, name, 'holdfast.db');
  new SqliteEngine(path).close();
  copyFileSync(live, path);
  copyFileSync(`${live}-wal`, `${path}-wal`);
}

function commitsOf(log: Buffer): number[] {
  const frames = Array.from({ length: Math.floor((log.length - 32) / FRAME_BYTES) }, (_, i) => i + 1);
  return frames.filter((frame) => log.readUInt32BE(at(frame, 4)) !== 0);
}

function flip(offset: number, mask = 0x10): void {
  const log = readFileSync(`${path}-wal`);
  log[offset] = (log[offset] ?? 0) ^ mask;
  writeFileSync(`${path}-wal`, log);
}

function seqsAfterStart(): number[] {
  const engine = new SqliteEngine(path);
  try {
    return engine.read(1, FROM_START, NO_LIMITS).rows.map(([seq]) => seq);
  } finally {
    engine.close();
  }
}

const last = (): number => commits.at(-1) ?? 0;
const lastButOne = (): number => commits.at(-2) ?? 0;
/** The last frame that was synced for sure: as many transactions come after it as may be written and not synced. */
const lastSynced = (): number => commits.at(-1 - UNSYNCED_MAX) ?? 0;

describe('the log of a crashed broker', () => {
  it('is taken as it is when it is whole', () => {
    expect(findLogDamage(path)).toBeUndefined();
    expect(seqsAfterStart()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it.each(Object.entries(FIELDS))(
    'is refused when a bit of the %s is another in any but the last transactions',
    async (_, offset) => {
      const intact = readFileSync(`${path}-wal`);
      for (let frame = 1; frame <= lastSynced(); frame++) {
        flip(at(frame, offset));
        expect(findLogDamage(path), `frame ${frame}`).toMatchObject({ frame });
        writeFileSync(`${path}-wal`, intact);
      }
      flip(at(2, offset));
      const message = `${path}-wal is damaged (frame 2), and with it at least`;
      await expect(openSqliteStore({ path })).rejects.toMatchObject({ code: 'corrupt' });
      await expect(openSqliteStore({ path })).rejects.toThrow(message);
      expect(checkDatabase(path)).toMatchObject({ findings: [expect.stringContaining(message)], counts: undefined });
      expect(statSync(`${path}-wal`).size).toBe(intact.length);
    },
  );

  it.each([0, 3, 7, 11, 15, 17, 23, 24, 31])('is refused when a bit of byte %i of its header is another', (offset) => {
    for (const mask of [0x01, 0x80]) {
      flip(offset, mask);
      expect(findLogDamage(path)).toMatchObject({ frame: 0, goodBytes: 0 });
      flip(offset, mask);
    }
  });

  it('is refused when a whole stretch of it is gone', () => {
    const handle = openSync(`${path}-wal`, 'r+');
    writeSync(handle, Buffer.alloc(3 * 4096), 0, 3 * 4096, 4096);
    closeSync(handle);
    expect(findLogDamage(path)).toMatchObject({ frame: 1 });
  });

  it('counts what is lost, and is cut off before the damage when it is to be repaired', () => {
    const good = commits.at(-6) ?? 0;
    flip(at(good + 1, 100));
    expect(findLogDamage(path)).toEqual({
      path: `${path}-wal`,
      frame: good + 1,
      goodBytes: at(good + 1),
      framesLost: lastSynced() - good,
    });
    const damaged = readFileSync(`${path}-wal`);
    const { repaired, findings, counts } = checkDatabase(path, true);
    const copy = readdirSync(join(directory, 'crashed')).find((name) => name.includes('.damaged-')) ?? '';
    expect(repaired).toMatch(`is cut off after ${at(good + 1)} bytes; the whole of it is kept as ${path}-wal.damaged-`);
    expect(readFileSync(join(directory, 'crashed', copy))).toEqual(damaged);
    expect(findings).toEqual([]);
    expect(counts).toMatchObject({ messages: 1 });
    expect(seqsAfterStart()).toEqual([1]);
  });
});

describe('a torn tail', () => {
  it.each(Object.entries(FIELDS))('is what damage to the %s within the last transactions looks like', (field, offset) => {
    // but for a mark that is there too early, which nothing but damage can bring about
    for (let frame = field === 'commit mark' ? last() : lastSynced() + 1; frame <= last(); frame++) {
      flip(at(frame, offset));
      expect(findLogDamage(path)).toBeUndefined();
      flip(at(frame, offset));
    }
    flip(at(last(), offset));
    expect(seqsAfterStart()).toEqual([1, 2, 3, 4, 5]);
  });

  it('is any length of the last transaction, and any of its frames without the others', () => {
    for (const bytes of [at(last(), 8000), at(last(), 10), at(last()), at(lastButOne() + 1, 1)]) {
      truncateSync(`${path}-wal`, bytes);
      expect(findLogDamage(path)).toBeUndefined();
    }
    expect(seqsAfterStart()).toEqual([1, 2, 3, 4, 5]);
  });

  it('is what lies behind it of an earlier log, or of an earlier crash', () => {
    const first = readFileSync(`${path}-wal`);
    flip(at(lastButOne() + 1, 100));
    const second = new SqliteEngine(path);
    second.commit(packBatch(publishSeqs(1, [7])));
    crashInto(path, 'again');
    // what the second run has not written over is still that of the first one, with the same salts
    const log = readFileSync(`${path}-wal`);
    expect(log.subarray(16, 24)).toEqual(first.subarray(16, 24));
    writeFileSync(
      `${path}-wal`,
      Buffer.concat([log, first.subarray(log.length), first.subarray(at(last())), first.subarray(at(last()))]),
    );
    expect(findLogDamage(path)).toBeUndefined();
    second.close();
    expect(seqsAfterStart()).toEqual([1, 2, 3, 4, 5, 7]);
  });

  it('is the old log when a new one was begun and not more than its header written', () => {
    const log = readFileSync(`${path}-wal`);
    log.fill(0x55, 0, 32);
    writeFileSync(`${path}-wal`, log);
    expect(findLogDamage(path)).toBeUndefined();
  });

  it.each([0, 20, 32, 5000])('is a log of %i bytes', (bytes) => {
    truncateSync(`${path}-wal`, bytes);
    expect(findLogDamage(path)).toBeUndefined();
  });
});

it('a log that is used again is judged by its new beginning', () => {
  const live = join(directory, 'reused.db');
  const engine = new SqliteEngine(live);
  engine.commit(packBatch([{ kind: 'reserve', seq: 1000 }, create(1)]));
  for (let seq = 1; seq <= 40; seq++) engine.commit(packBatch(publishSeqs(1, [seq])));
  const other = new Database(live);
  other.pragma('wal_checkpoint(PASSIVE)');
  other.close();
  for (let seq = 41; seq <= 45; seq++) engine.commit(packBatch(publishSeqs(1, [seq])));
  crashInto(live, 'reused');
  engine.close();
  const count = commitsOf(readFileSync(`${path}-wal`)).length;
  expect(count).toBeGreaterThan(30);
  expect(findLogDamage(path)).toBeUndefined();
  flip(at(1, 500));
  expect(findLogDamage(path)).toMatchObject({ frame: 1, goodBytes: 0 });
  expect(existsSync(`${path}-wal`)).toBe(true);
});

it('a database without a log has none that is damaged', () => {
  expect(findLogDamage(join(directory, 'nothing.db'))).toBeUndefined();
});
