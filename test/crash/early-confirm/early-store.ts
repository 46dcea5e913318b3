/** A store that answers a commit at once and writes it a little later, as one does that leaves the flushing to a timer. */
import { openSqliteStore as openRealStore, type SqliteStoreOptions } from '../../../src/store/sqlite/sqlite-store.ts';
import type {
  BoundQueue,
  Change,
  CommitReport,
  QueueRecord,
  ReadLimits,
  ReadResult,
  Recovered,
  Selection,
  Store,
} from '../../../src/store/store.ts';

/** How long a batch lies in memory only, in ms. */
const WRITE_AFTER_MS = 20;

export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  return new EarlyStore(await openRealStore(options));
}

class EarlyStore implements Store {
  readonly #real: Store;
  readonly #unwritten: Change[] = [];
  /** Answers come in the order of their calls, also here. */
  #lastRead: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(real: Store) {
    this.#real = real;
  }

  async commit(changes: readonly Change[]): Promise<CommitReport> {
    this.#unwritten.push(...changes);
    this.#timer ??= setTimeout(() => this.#write(), WRITE_AFTER_MS);
    await this.#lastRead;
    return new Map();
  }

  recover(): Promise<Recovered> {
    return this.#real.recover();
  }

  find(namespace: string, name: string): Promise<QueueRecord | undefined> {
    return this.#read(() => this.#real.find(namespace, name));
  }

  match(namespace: string, topic: string): Promise<readonly BoundQueue[]> {
    return this.#read(() => this.#real.match(namespace, topic));
  }

  read(queue: number, selection: Selection, limits: ReadLimits): Promise<ReadResult> {
    return this.#read(() => this.#real.read(queue, selection, limits));
  }

  close(): Promise<void> {
    this.#write();
    return this.#real.close();
  }

  #read<T>(ask: () => Promise<T>): Promise<T> {
    this.#write();
    const answer = ask();
    this.#lastRead = answer;
    return answer;
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#unwritten.length > 0) void this.#real.commit(this.#unwritten.splice(0));
  }
}
