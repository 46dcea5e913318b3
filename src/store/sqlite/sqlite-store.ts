/**
 * The durable store, as the broker's thread sees it: packs batches, hands them to the writer thread, and gives out its answers
 * in order. After the first failure every call that is open or comes later rejects with that one error.
 *
 * Must never wait: nothing here touches the disk.
 */
import { Worker } from 'node:worker_threads';
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
} from '../store.ts';
import { packBatch } from './batch-codec.ts';
import type { Damage } from './damage.ts';
import { unpackMessages } from './message-codec.ts';
import { PlaneReader, release, transferOf } from './planes.ts';
import { StoreError, storeErrorFrom } from './store-error.ts';
import type { Answer, Request, WriterMessage, WriterOptions } from './thread-messages.ts';

export interface SqliteStoreOptions {
  /** The database file. Its directory is made when it is not there, and locked. */
  readonly path: string;
  /** Told of stored messages that can't be read any more, of each once. They are not delivered, and stay where they are. */
  readonly onDamage?: (damage: Damage) => void;
}

/** Of so many it is told at most: by then everybody knows. */
const DAMAGES_TOLD_MAX = 1000;

/** Rejects with a `StoreError` when the file is not ours to open. */
export function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  return SqliteStore.open(options);
}

type AnswerOf<Kind extends Request['kind']> = Extract<Answer, { readonly kind: Kind }>;

/** A request without its answer. */
interface Pending {
  readonly accept: (answer: Answer, messages: PlaneReader | undefined) => void;
  readonly reject: (error: StoreError) => void;
}

const NOTHING_TO_REPORT: CommitReport = new Map();

class SqliteStore implements Store {
  readonly #worker: Worker;
  readonly #path: string;
  readonly #onDamage: SqliteStoreOptions['onDamage'];
  /** Seqs of what was told of. */
  readonly #damaged = new Set<number>();
  readonly #ready = Promise.withResolvers<void>();
  /** Gathered in this turn and not sent yet. */
  #outgoing: Request[] = [];
  #sendPlanned = false;
  readonly #pending: Pending[] = [];
  #failure: StoreError | undefined;
  #closed: Promise<void> | undefined;

  static async open(options: SqliteStoreOptions): Promise<Store> {
    const store = new SqliteStore(options);
    try {
      await store.#ready.promise;
    } catch (error) {
      await store.#worker.terminate();
      throw error;
    }
    return store;
  }

  private constructor({ path, onDamage }: SqliteStoreOptions) {
    this.#path = path;
    this.#onDamage = onDamage;
    const workerData: WriterOptions = { path };
    const file = import.meta.url.endsWith('.ts') ? './writer.ts' : './writer.js';
    this.#worker = new Worker(new URL(file, import.meta.url), { workerData, name: 'holdfast-writer' });
    this.#worker.on('message', (message: WriterMessage) => this.#receive(message));
    this.#worker.on('error', (error) => this.#fail(storeErrorFrom(error, path)));
    this.#worker.on('exit', () => this.#fail(new StoreError('failed', `${path} has lost its writer thread: start again`)));
  }

  recover(): Promise<Recovered> {
    return this.#ask({ kind: 'recover' }, (answer) => answer.recovered);
  }

  /**
   * Goes off at once, with all that was gathered before it. Not `async`: that would let its answer reach the caller some ticks
   * later than that of a read which came after it.
   */
  commit(changes: readonly Change[]): Promise<CommitReport> {
    const batch = packBatch(changes);
    const report = this.#ask({ kind: 'commit', batch }, (answer) => answer.report ?? NOTHING_TO_REPORT);
    this.#send(transferOf(batch));
    return report;
  }

  find(namespace: string, name: string): Promise<QueueRecord | undefined> {
    return this.#ask({ kind: 'find', namespace, name }, (answer) => answer.queue);
  }

  match(namespace: string, topic: string): Promise<readonly BoundQueue[]> {
    return this.#ask({ kind: 'match', namespace, topic }, (answer) => answer.bound);
  }

  read(queue: number, selection: Selection, limits: ReadLimits): Promise<ReadResult> {
    return this.#ask({ kind: 'read', queue, selection, limits }, ({ count, more, damaged }, messages) => {
      for (const damage of damaged) this.#tell(damage);
      return { messages: messages === undefined ? [] : unpackMessages(messages, count), more };
    });
  }

  #tell(damage: Damage): void {
    if (this.#damaged.has(damage.seq) || this.#damaged.size >= DAMAGES_TOLD_MAX) return;
    this.#damaged.add(damage.seq);
    this.#onDamage?.(damage);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** After a failure there is nothing to finish, only to let go. */
  async #close(): Promise<void> {
    try {
      if (this.#failure === undefined) await this.#ask({ kind: 'close' }, () => undefined);
    } finally {
      this.#fail(new StoreError('failed', `${this.#path} was closed`));
      await this.#worker.terminate();
    }
  }

  #ask<R extends Request, T>(
    request: R,
    take: (answer: AnswerOf<R['kind']>, messages: PlaneReader | undefined) => T,
  ): Promise<T> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#outgoing.push(request);
      this.#pending.push({ accept: (answer, messages) => resolve(take(answer as AnswerOf<R['kind']>, messages)), reject });
      if (this.#sendPlanned) return;
      this.#sendPlanned = true;
      queueMicrotask(() => this.#send([]));
    });
  }

  #send(transfer: readonly ArrayBuffer[]): void {
    this.#sendPlanned = false;
    if (this.#outgoing.length === 0 || this.#failure !== undefined) return;
    this.#worker.postMessage(this.#outgoing, transfer);
    this.#outgoing = [];
  }

  #receive(message: WriterMessage): void {
    switch (message.kind) {
      case 'ready':
        this.#ready.resolve();
        return;
      case 'answers': {
        const messages = message.messages && new PlaneReader(message.messages);
        const pending = this.#pending.splice(0, message.answers.length);
        for (const [i, answer] of message.answers.entries()) pending[i]?.accept(answer, messages);
        if (message.messages !== undefined) release(message.messages);
        return;
      }
      case 'failed':
        this.#fail(new StoreError(message.code, message.message, { cause: message.cause }));
        return;
      default:
        message satisfies never;
    }
  }

  /** The first failure stays the one that everybody is told. */
  #fail(error: StoreError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#outgoing = [];
    this.#ready.reject(error);
    for (const { reject } of this.#pending.splice(0)) reject(error);
  }
}
