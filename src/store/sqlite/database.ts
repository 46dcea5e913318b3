/**
 * Opens the database file so that a commit is on disk when it returns, and refuses every file that isn't ours to open.
 *
 * The caller holds the directory's lock. Must never write to a file before it is known to be ours.
 */
import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import Database from 'better-sqlite3';
import { APPLICATION_ID, migrate, refuseOtherSchema, schemaVersionOf } from './migrations.ts';
import { refuseDamagedLog } from './log-file.ts';
import { StoreError, storeErrorFrom } from './store-error.ts';

/** Before it, two connections that wrote and checkpointed at once could lose a commit (the WAL-reset bug). */
const SQLITE_MIN = [3, 51, 3] as const;
export const PAGE_BYTES = 8192;
/** The log is carried over when it is so long. */
export const WAL_BYTES = 16 * 1024 * 1024;
const CACHE_KIB = 16 * 1024;
/** Nobody else writes, but a person may be looking at the file with another program. */
const BUSY_TIMEOUT_MS = 5000;
const FULL = 2;

export function openDatabase(path: string): Database.Database {
  refuseDamagedLog(path);
  const db = new Database(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    refuseForeign(db);
    refuseOtherSchema(db);
    configure(db);
    migrate(db);
    // The log's name must be on disk before anything in it counts; SQLite sees to that as well, but overlooks when it fails.
    syncDirectory(dirname(resolve(path)));
    return db;
  } catch (error) {
    db.close();
    throw storeErrorFrom(error, path);
  }
}

/** For looking at a database without changing it. */
export function openReadonly(path: string): Database.Database {
  try {
    const db = new Database(path, { readonly: true, fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
    try {
      refuseForeign(db);
      refuseOtherSchema(db);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  } catch (error) {
    throw storeErrorFrom(error, path);
  }
}

export function refuseOldSqlite(version: string): void {
  const parts = version.split('.').map(Number);
  for (const [i, least] of SQLITE_MIN.entries()) {
    const part = parts[i] ?? 0;
    if (part > least) return;
    if (part < least) {
      throw new StoreError(
        'old_sqlite',
        `SQLite ${version} is too old: Holdfast needs ${SQLITE_MIN.join('.')} or newer, reinstall its dependencies`,
      );
    }
  }
}

/** A database without tables or numbers of its own may be ours, from a start that was cut off. */
function refuseForeign(db: Database.Database): void {
  refuseOldSqlite(String(db.prepare('SELECT sqlite_version()').pluck().get()));
  const applicationId = Number(db.pragma('application_id', { simple: true }));
  if (applicationId === APPLICATION_ID) return;
  const objects = Number(db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get());
  if (applicationId === 0 && objects === 0 && schemaVersionOf(db) === 0) return;
  throw new StoreError('not_ours', `${db.name} belongs to another program: give another path, or move that file away`);
}

function configure(db: Database.Database): void {
  // Automatic checkpoints keep their errors to themselves: checkpoints.ts does them. First, since what follows may commit.
  db.pragma('wal_autocheckpoint = 0');
  // These two count only before the first page is written.
  db.pragma(`page_size = ${PAGE_BYTES}`);
  db.pragma('auto_vacuum = INCREMENTAL');
  db.pragma('journal_mode = WAL');
  // After the journal mode, which resets it to NORMAL in this build. NORMAL lost 800 of 800 confirmed rows in a power cut.
  db.pragma('synchronous = FULL');
  db.pragma(`journal_size_limit = ${4 * WAL_BYTES}`);
  db.pragma('foreign_keys = OFF');
  db.pragma('temp_store = MEMORY');
  db.pragma(`cache_size = -${CACHE_KIB}`);
  expectPragma(db, 'journal_mode', 'wal');
  expectPragma(db, 'synchronous', FULL);
}

function expectPragma(db: Database.Database, name: string, expected: string | number): void {
  const actual = db.pragma(name, { simple: true });
  if (actual === expected) return;
  throw new StoreError(
    'failed',
    `${db.name} can't be made durable: ${name} is ${String(actual)} and should be ${expected}; use a local disk`,
  );
}

/** Makes a directory that outlives a power cut: its name is on disk in its parent, and so on up to the first that was there. */
export function makeDirectory(directory: string): void {
  const first = mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  const top = dirname(resolve(first));
  for (let made = dirname(resolve(directory)); made.length >= top.length; made = dirname(made)) {
    syncDirectory(made);
    if (made === top) return;
  }
}

function syncDirectory(directory: string): void {
  const handle = openSync(directory, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
