/** The log is carried over into the database file every so often, and a disk that fails then is not overlooked. */
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FailingSync, noFaultyDisk } from '../../prove/lib/failing-sync.ts';
import { packBatch } from '../../src/store/sqlite/batch-codec.ts';
import { SqliteEngine } from '../../src/store/sqlite/engine.ts';
import { create, publication, publish } from './changes.ts';
import { makeTemporaryDirectory, removeDirectory } from './temporary-directory.ts';

const PROCESS = fileURLToPath(new URL('./committing-process.ts', import.meta.url));
const MIB = 1024 * 1024;
/** Those before are of the file's making. */
const SYNC_MIN = 12;
/** More than the process needs. */
const SYNC_MAX = 30;

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

it.skipIf(noFaultyDisk() !== undefined)(
  'ends at a failed sync, be it of the log or of the database file',
  () => {
    const sync = new FailingSync(directory);
    const failed: string[] = [];
    for (let at = SYNC_MIN; at < SYNC_MAX; at++) {
      const path = join(directory, String(at), 'holdfast.db');
      const { status } = spawnSync(process.execPath, [PROCESS, path], { env: { ...process.env, ...sync.environment(at) } });
      if (!sync.hasHappened) break;
      const file = sync.loseUnsynced();
      failed.push(`${file} ${status === 0 ? 'overlooked' : 'seen'}`);
    }
    expect(new Set(failed)).toEqual(new Set(['holdfast.db-wal seen', 'holdfast.db seen']));
    expect(failed.length).toBeLessThan(SYNC_MAX - SYNC_MIN);
  },
  60_000,
);
