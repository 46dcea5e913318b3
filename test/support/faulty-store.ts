/**
 * A store that goes wrong when it is told to: late answers, a failing commit, a crash. Everything else goes to the store inside,
 * in call order. After a crash nothing is passed on and nothing ever answers, whatever was under way.
 */
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
} from '../../src/store/store.ts';

export interface StoreFaults {
  /** The commit, counted from 1, that rejects, and every call after it. */
  readonly failAtCommit?: number;
  /** The commit, counted from 1, at which the store falls silent. */
  readonly crashAtCommit?: number;
  /** At a crash, is that commit on disk all the same? Nobody was told of it. */
  readonly crashAfterWrite?: boolean;
  /** Held before each answer of the store inside is passed on, so that a test's own clock decides how late it comes. */
  readonly delay?: (call: keyof Store) => Promise<void>;
}

const NEVER = new Promise<never>(() => {});

export class FaultyStore implements Store {
  readonly #inner: Store;
  readonly #faults: StoreFaults;
  #commits = 0;
  #crashed = false;
  #failure: Error | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(inner: Store, faults: StoreFaults = {}) {
    this.#inner = inner;
    this.#faults = faults;
  }

  get commits(): number {
    return this.#commits;
  }

  /** It has fallen silent or failed: only a new start helps. */
  get isDown(): boolean {
    return this.#crashed || this.#failure !== undefined;
  }

  /** The process is gone: no open or later call answers. */
  crash(): void {
    this.#crashed = true;
  }

  recover(): Promise<Recovered> {
    return this.#pass('recover', () => this.#inner.recover());
  }

  commit(changes: readonly Change[]): Promise<CommitReport> {
    const { failAtCommit, crashAtCommit, crashAfterWrite } = this.#faults;
    this.#commits++;
    if (this.#commits === failAtCommit) this.#failure = new Error(`commit ${this.#commits} failed, as planned`);
    const answer =
      this.#commits !== crashAtCommit || crashAfterWrite ? this.#pass('commit', () => this.#inner.commit(changes)) : NEVER;
    if (this.#commits === crashAtCommit) this.crash();
    return answer;
  }

  find(namespace: string, name: string): Promise<QueueRecord | undefined> {
    return this.#pass('find', () => this.#inner.find(namespace, name));
  }

  match(namespace: string, topic: string): Promise<readonly BoundQueue[]> {
    return this.#pass('match', () => this.#inner.match(namespace, topic));
  }

  read(queue: number, selection: Selection, limits: ReadLimits): Promise<ReadResult> {
    return this.#pass('read', () => this.#inner.read(queue, selection, limits));
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  /** Calls at once, answers when the delay is over and every earlier answer was given. */
  #pass<T>(call: keyof Store, ask: () => Promise<T>): Promise<T> {
    if (this.#crashed) return NEVER;
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const answer = this.#later(call, this.#last, ask());
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  async #later<T>(call: keyof Store, before: Promise<unknown>, asked: Promise<T>): Promise<T> {
    const answer = await asked;
    await this.#faults.delay?.(call);
    await before;
    return this.#crashed ? NEVER : answer;
  }
}
