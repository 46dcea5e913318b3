/**
 * Carries the log over into the database file when it has become long.
 *
 * Not left to SQLite's automatic checkpoints, which keep their errors to themselves: after a sync that failed there, the broker
 * would carry on without knowing.
 */
import type Database from 'better-sqlite3';
import { PAGE_BYTES, WAL_BYTES } from './database.ts';

const PAGES_MAX = WAL_BYTES / PAGE_BYTES;
/** When there is no hurry: 2 MiB, so that commits that come meanwhile wait for some 10 ms and not for 40. */
const PAGES_MAX_UNHURRIED = PAGES_MAX / 8;

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
    this.#carryOverFrom(PAGES_MAX);
  }

  /** To be called after each slice of what has no hurry. */
  carryOverSome(): void {
    this.#carryOverFrom(PAGES_MAX_UNHURRIED);
  }

  #carryOverFrom(pagesMax: number): void {
    const [, pages] = this.#look.get() ?? [0, 0, 0];
    if (pages >= pagesMax) this.#carryOver.get();
  }
}
