/**
 * The store on its own thread, without the thread: one connection, every call at once and in full. `writer.ts` puts it behind
 * messages; tests call it as it is.
 */
import { dirname } from 'node:path';
import type Database from 'better-sqlite3';
import type { BoundQueue, CommitReport, QueueRecord, ReadLimits, Recovered, Selection } from '../store.ts';
import { BatchApplier } from './batch-applier.ts';
import { Blocks } from './blocks.ts';
import { Checkpoints } from './checkpoints.ts';
import { makeDirectory, openDatabase } from './database.ts';
import { DirectoryLock } from './lock.ts';
import type { Planes } from './planes.ts';
import { findQueue, matchTopic, type ReadRows, readMessages } from './reading.ts';
import { doomTransientQueues, Removal } from './removal.ts';
import { Shrinking } from './shrinking.ts';
import { prepareStatements, type Statements } from './statements.ts';
import { StoreError, storeErrorFrom } from './store-error.ts';

export class SqliteEngine {
  readonly #lock: DirectoryLock;
  readonly #db: Database.Database;
  readonly #statements: Statements;
  readonly #blocks: Blocks;
  readonly #applier: BatchApplier;
  readonly #removal: Removal;
  readonly #shrinking: Shrinking;
  readonly #checkpoints: Checkpoints;

  constructor(path: string) {
    this.#lock = lockDirectoryOf(path);
    try {
      this.#db = openDatabase(path);
    } catch (error) {
      this.#lock.release();
      throw error;
    }
    this.#statements = prepareStatements(this.#db);
    this.#blocks = new Blocks(this.#statements);
    this.#applier = new BatchApplier(this.#statements);
    this.#removal = new Removal(this.#statements);
    this.#shrinking = new Shrinking(this.#db);
    this.#checkpoints = new Checkpoints(this.#db);
    this.#transact(() => doomTransientQueues(this.#statements));
  }

  /** From here on a commit is written and not yet on disk when it returns: the caller sees to that (`wal-sync.ts`). */
  leaveSyncsToCaller(): void {
    this.#db.pragma('synchronous = NORMAL');
  }

  recover(): Recovered {
    const row = this.#statements.recover.get();
    if (row === undefined)
      throw new StoreError('corrupt', `${this.#db.name} has lost its row of reserved numbers: restore a backup`);
    const { seq, queue, seqCopy, queueCopy } = row;
    if (seq !== seqCopy || queue !== queueCopy)
      throw new StoreError('corrupt', `${this.#db.name} is damaged (its reserved numbers): restore a backup`);
    return { seq, queue };
  }

  commit(batch: Planes): CommitReport {
    return this.#transact(() => this.#applier.apply(batch));
  }

  find(namespace: string, name: string): QueueRecord | undefined {
    return findQueue(this.#statements, namespace, name);
  }

  match(namespace: string, topic: string): BoundQueue[] {
    return matchTopic(this.#statements, namespace, topic);
  }

  /** What it returns is good until `releaseRead`. */
  read(queue: number, selection: Selection, limits: ReadLimits): ReadRows {
    return readMessages(this.#statements, this.#blocks, queue, selection, limits);
  }

  /** Bytes that what was read keeps in memory, beside its own. */
  get bytesRead(): number {
    return this.#blocks.bytesRead;
  }

  releaseRead(): void {
    this.#blocks.releaseRead();
  }

  /** To be called at even intervals after commits, until it returns false: finds out whether the file could be smaller. */
  lookForFreePages(): boolean {
    return this.#shrinking.look();
  }

  /** There are messages of removed queues left, or pages that nobody needs. Then `doChore` is to be called again. */
  get hasChores(): boolean {
    return !this.#removal.isDone || this.#shrinking.isDue;
  }

  /** A slice of what has no hurry. */
  doChore(): void {
    if (this.#removal.isDone) this.#shrinking.giveBackSlice();
    else this.#transact(() => this.#removal.deleteSlice());
    this.#checkpoints.carryOverSome();
  }

  close(): void {
    this.#db.pragma('wal_checkpoint(TRUNCATE)');
    this.#db.close();
    this.#lock.release();
  }

  /** Nothing is rolled back on an error: the store can't go on after one, and what was begun ends with the connection. */
  #transact<T>(work: () => T): T {
    this.#statements.begin.run();
    const result = work();
    this.#statements.commit.run();
    this.#checkpoints.carryOverIfDue();
    return result;
  }
}

/** The directory is made first when it is not there. */
function lockDirectoryOf(path: string): DirectoryLock {
  const directory = dirname(path);
  try {
    makeDirectory(directory);
    return new DirectoryLock(directory);
  } catch (error) {
    throw storeErrorFrom(error, directory);
  }
}
