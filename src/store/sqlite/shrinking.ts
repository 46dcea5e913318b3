/**
 * Gives the disk back what drained queues leave behind: moves pages from the end of the file into free ones, a bounded slice at a
 * time, and cuts the end off (https://www.sqlite.org/pragma.html#pragma_incremental_vacuum).
 *
 * Only what was free all along for some time: the pages that a steady load frees and takes again would be moved for nothing.
 */
import type Database from 'better-sqlite3';

/** Kept free in any case: 4 MiB. */
const SPARE_PAGES = 512;
/** So many looks in a row must have found a page free: two minutes, as the writer looks. */
const LOOKS = 120;
/** At most so many pages a slice: 1 MiB, some 5 ms. */
const SLICE_PAGES_MAX = 128;

export class Shrinking {
  readonly #db: Database.Database;
  readonly #freePages: Database.Statement<[], number>;
  /** Free pages beyond the spare ones, at the last looks. */
  #looks: number[] = [];

  constructor(db: Database.Database) {
    this.#db = db;
    this.#freePages = db.prepare<[], number>('PRAGMA freelist_count').pluck();
  }

  /** To be called at even intervals. False when there is nothing to be given back, now or soon. */
  look(): boolean {
    const free = Math.max((this.#freePages.get() ?? 0) - SPARE_PAGES, 0);
    if (free === 0) {
      this.#looks = [];
      return false;
    }
    if (this.#looks.push(free) > LOOKS) this.#looks.shift();
    return true;
  }

  get isDue(): boolean {
    return this.#surplus > 0;
  }

  giveBackSlice(): void {
    const pages = Math.min(this.#surplus, SLICE_PAGES_MAX);
    // SQLite takes 0 for "all"
    if (pages === 0) return;
    this.#db.pragma(`incremental_vacuum(${pages})`);
    this.#looks = this.#looks.map((free) => free - pages);
    // only a checkpoint makes the file shorter; this kind waits for nobody
    if (!this.isDue) this.#db.pragma('wal_checkpoint(PASSIVE)');
  }

  get #surplus(): number {
    return this.#looks.length < LOOKS ? 0 : Math.min(...this.#looks);
  }
}
