/**
 * A store that gives many answers at once, in call order, as one does that has them from another thread: between two of them there
 * is not a single tick, so whoever takes a tick too many to handle one is overtaken by the next.
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

export class BurstStore implements Store {
  readonly #inner: Store;
  readonly #pause: () => Promise<void>;
  #ready: (() => void)[] = [];

  /** `pause`: how long answers are gathered. */
  constructor(inner: Store, pause: () => Promise<void>) {
    this.#inner = inner;
    this.#pause = pause;
  }

  recover(): Promise<Recovered> {
    return this.#inner.recover();
  }

  commit(changes: readonly Change[]): Promise<CommitReport> {
    return this.#pass(this.#inner.commit(changes));
  }

  find(namespace: string, name: string): Promise<QueueRecord | undefined> {
    return this.#pass(this.#inner.find(namespace, name));
  }

  match(namespace: string, topic: string): Promise<readonly BoundQueue[]> {
    return this.#pass(this.#inner.match(namespace, topic));
  }

  read(queue: number, selection: Selection, limits: ReadLimits): Promise<ReadResult> {
    return this.#pass(this.#inner.read(queue, selection, limits));
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #pass<T>(asked: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      asked.then((answer) => {
        this.#ready.push(() => resolve(answer));
        if (this.#ready.length === 1) void this.#pause().then(() => this.#giveOut());
      }, reject);
    });
  }

  #giveOut(): void {
    const ready = this.#ready;
    this.#ready = [];
    for (const give of ready) give();
  }
}
