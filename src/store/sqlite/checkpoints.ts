/**
 * Carries the log over into the database file when it has become long.
 *
 * Not left to SQLite's automatic checkpoints, which keep their errors to themselves: after a sync that failed there, the broker
 * would carry on without knowing.
 */
import type Database from 'better-sqlite3';
import { PAGE_BYTES, WAL_BYTES } from './database.ts';

const PAGES_MAX = WAL_BYTES / PAGE_BYTES;

type LogState = [busy: number, pages: number, carriedOver: number];

export class Checkpoints {
  readonly #look: Database.Statement<[], LogState>;
  readonly #carryOver: Database.Statement<[], LogState>;

  constructor(db: Database.Database) {
    // about a microsecond
    this.#look = db.prepare<[], LogState>('PRAGMA wal_checkpoint(NOOP)').raw();
    // waits for nobody
    this.#carryOver = db.prepare<[], LogState>('PRAGMA wal_checkpoint(PASSIVE)').raw();
  }

  /** To be called after every commit. */
  carryOverIfDue(): void {
    const [, pages] = this.#look.get() ?? [0, 0, 0];
    if (pages >= PAGES_MAX) this.#carryOver.get();
  }
}
