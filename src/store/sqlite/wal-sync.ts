/**
 * Makes commits durable: SQLite writes them to its write-ahead log and does not wait for the disk (synchronous = NORMAL), this
 * syncs the log. On a fast disk it waits for it, which is the shortest way; on a slow one the next commits are written meanwhile.
 * What a sync covers is what was written before it began.
 *
 * Must never call a commit durable that no sync which began after it has covered. After a failed sync nobody knows what is on the
 * disk, and nothing becomes durable any more.
 */
import { closeSync, fdatasync, fdatasyncSync, openSync } from 'node:fs';

/** A sync from which on the disk counts as slow, in ms. Letting another thread wait costs a commit 0.06 ms. */
const SLOW_MS = 3;
/** After so many syncs of a slow disk it is looked at whether it still is. */
const SLOW_SYNCS = 100;
/** Under way at a time: a commit that ended just after one had begun need not wait for two. */
const SYNCS_MAX = 2;
/** Commits that are written and not durable: as many may a power cut tear off the log's end (`log-file.ts`). */
export const UNSYNCED_MAX = 3;

export interface WalSyncOptions {
  /** The database file, open in WAL mode. */
  readonly path: string;
  /** Called when more commits are durable. */
  readonly synced: () => void;
  readonly failed: (error: Error) => void;
}

export class WalSync {
  readonly #options: WalSyncOptions;
  /** Each open file is told of an error of the disk by itself, so syncs at the same time need one each. */
  readonly #file: number;
  /** Those for syncs that are not waited for, which none is using. */
  readonly #idle: number[];
  #written = 0;
  /** As many were written when the last sync began. */
  #begun = 0;
  #durable = 0;
  /** As many more syncs may take long. */
  #slow = 0;
  #over = false;

  /** @throws the file system's error. */
  constructor(options: WalSyncOptions) {
    this.#options = options;
    const open = (): number => openSync(`${options.path}-wal`, 'r+');
    this.#file = open();
    this.#idle = Array.from({ length: SYNCS_MAX }, open);
  }

  /** Commits so far. */
  get written(): number {
    return this.#written;
  }

  /** As many of them, from the first on, are on disk. */
  get durable(): number {
    return this.#durable;
  }

  /** One more commit was written. */
  add(): void {
    this.#written++;
  }

  /**
   * Sees to it that all that was written becomes durable.
   *
   * @throws the file system's error.
   */
  begin(): void {
    const isLast = this.#written - this.#durable >= UNSYNCED_MAX;
    if (isLast || (this.#slow === 0 && this.#idle.length === SYNCS_MAX)) this.#syncNow();
    else if (this.#begun < this.#written) this.#syncMeanwhile();
  }

  #syncNow(): void {
    if (this.#durable === this.#written) return;
    const began = performance.now();
    fdatasyncSync(this.#file);
    if (performance.now() - began >= SLOW_MS) this.#slow = SLOW_SYNCS;
    this.#begun = this.#written;
    this.#durable = this.#written;
    this.#options.synced();
  }

  #syncMeanwhile(): void {
    const file = this.#idle.pop();
    if (file === undefined) return;
    const covered = this.#written;
    this.#begun = covered;
    this.#slow = Math.max(this.#slow - 1, 0);
    fdatasync(file, (error) => {
      this.#idle.push(file);
      this.#end(covered, error);
    });
  }

  #end(covered: number, error: Error | null): void {
    if (this.#over) return this.#closeIdle();
    if (error !== null) {
      this.#over = true;
      return this.#options.failed(error);
    }
    this.#durable = Math.max(this.#durable, covered);
    if (this.#begun < this.#written) this.#syncMeanwhile();
    this.#options.synced();
  }

  /**
   * The last commits become durable here, whatever SQLite does when it closes: it leaves the log as it is while somebody else reads
   * the database.
   *
   * @throws the file system's error.
   */
  close(): void {
    if (this.#over) return;
    this.#syncNow();
    this.#over = true;
    closeSync(this.#file);
    this.#closeIdle();
  }

  #closeIdle(): void {
    for (const file of this.#idle.splice(0)) closeSync(file);
  }
}
