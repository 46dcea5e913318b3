/** The log is carried over into the database file every so often, and a disk that fails then is not overlooked. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FailingSync, noFaultyDisk } from '../../prove/lib/failing-sync.ts';
import { packBatch } from '../../src/store/sqlite/batch-codec.ts';
import { SqliteEngine } from '../../src/store/sqlite/engine.ts';
import { create, publication, publish } from './changes.ts';
import { makeTemporaryDirectory, removeDirectory } from './temporary-directory.ts';

const PROCESS = fileURLToPath(new URL('./committing-process.ts', import.meta.url));
const MIB = 1024 * 1024;
/** Those before are of the file's making. */
const SYNC_MIN = 11;
/** More than the process needs. */
const SYNC_MAX = 40;
const TEST_MS_MAX = 60_000;

let directory: string;
beforeEach(() => {
  directory = makeTemporaryDirectory();
});
afterEach(() => removeDirectory(directory));

it('keeps the log short', () => {
  const path = join(directory, 'holdfast.db');
  const engine = new SqliteEngine(path);
  engine.commit(packBatch([create(1)]));
  for (let seq = 1; seq <= 100; seq++) engine.commit(packBatch([publish(publication([[1, seq]], { body: 'x'.repeat(MIB) }))]));
  expect(statSync(`${path}-wal`).size).toBeLessThan(20 * MIB);
  expect(statSync(path).size).toBeGreaterThan(80 * MIB);
  engine.close();
});

describe.skipIf(noFaultyDisk() !== undefined)('a failed sync is not overlooked', () => {
  it('while commits come', { timeout: TEST_MS_MAX }, () => {
    const failed = failEachSync(SYNC_MIN, (path) => mkdirSync(dirname(path)));
    expect(new Set(failed)).toEqual(new Set(['holdfast.db-wal seen', 'holdfast.db seen', 'directory seen']));
  });

  it('while it starts on a long log', { timeout: TEST_MS_MAX }, () => {
    const before = join(directory, 'before', 'holdfast.db');
    const engine = new SqliteEngine(before);
    // longer than SQLite's own limit, shorter than ours
    engine.commit(packBatch([create(1), publish(publication([[1, 1]], { body: 'x'.repeat(12 * MIB) }))]));
    const failed = failEachSync(1, (path) => {
      mkdirSync(dirname(path));
      for (const suffix of ['', '-wal']) copyFileSync(before + suffix, path + suffix);
    });
    engine.close();
    expect(new Set(failed)).toEqual(
      new Set(['holdfast.db-wal seen', 'holdfast.db seen', 'directory seen', 'directory overlooked']),
    );
    // SQLite's own, of a log whose name is on disk by then
    expect(failed.filter((each) => each === 'directory overlooked')).toHaveLength(1);
  });
});

/** Lets the process run again and again, its nth sync failing, until it comes to its end; which file that was, and what it did. */
function failEachSync(first: number, prepare: (path: string) => void): string[] {
  const sync = new FailingSync(directory);
  const failed: string[] = [];
  for (let at = first; at < SYNC_MAX; at++) {
    const path = join(directory, String(at), 'holdfast.db');
    prepare(path);
    const { status } = spawnSync(process.execPath, [PROCESS, path, '1000'], { env: { ...process.env, ...sync.environment(at) } });
    if (!sync.hasHappened) return failed;
    failed.push(`${sync.loseUnsynced() ?? 'directory'} ${status === 0 ? 'overlooked' : 'seen'}`);
  }
  throw new Error(`the process needs ${SYNC_MAX} syncs or more`);
}
