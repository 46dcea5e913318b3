/**
 * The lock on a data directory: two brokers on one directory would each deliver every message.
 *
 * An exclusive transaction on a file of its own, never committed. The operating system lets go of it when the process ends,
 * however it ends. The file must never be opened by other means in this process: closing any other handle of it would let go
 * of the lock (POSIX record locks), which SQLite takes care of only among its own connections.
 */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { engineCodeOf, StoreError } from './store-error.ts';

const LOCK_FILE = 'holdfast.lock';

export class DirectoryLock {
  readonly #holder: Database.Database;

  constructor(directory: string) {
    const path = join(directory, LOCK_FILE);
    this.#holder = new Database(path, { timeout: 0 });
    try {
      this.#holder.exec('BEGIN EXCLUSIVE');
    } catch (error) {
      this.#holder.close();
      if (!engineCodeOf(error).startsWith('SQLITE_BUSY')) throw error;
      throw new StoreError('locked', `${directory} is in use by another Holdfast (lock file ${path})`, { cause: error });
    }
  }

  release(): void {
    this.#holder.close();
  }
}
