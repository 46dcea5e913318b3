/**
 * Gathers the changes that the broker stages while the last batch is being written, and commits them as the next one (group
 * commit, Gawlick and Kinkade 1985). The only way into the store's `commit`, and so the one place that says when something is
 * durable: what a change brings about (memory moving on, a confirm, a delivery) happens in its `then`, after the commit.
 *
 * A failed commit is the end: nothing staged is answered any more, and the process must stop and recover from the disk.
 */
import type { Change, PublishVerdict, Store } from '../store/store.ts';
import type { Clock } from './clock.ts';
import { Alarm, type Deadlines } from './deadlines.ts';

export interface JournalOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  /** Bytes staged and not yet committed, from which on `saturated` asks for a pause. */
  readonly uncommittedBytesMax: number;
  /** Called once after every commit, when all that it brought about was told. */
  readonly committed: () => void;
  readonly failed: (error: unknown) => void;
}

export type Then = (verdict: PublishVerdict | undefined) => void;

/** What a change weighs beside its bodies, in bytes: an estimate of its objects in memory. */
const CHANGE_BYTES = 200;

/** Batches at the writer: the one that it writes, and one for when it is done. */
const BATCHES_MAX = 2;
/** Changes from which on a second batch goes off before the first one is written, and one that nobody awaits goes off at all. */
const FULL_BATCH_CHANGES = 256;
/** How long changes that nobody awaits wait for one that somebody does, in ms. */
const PATIENCE_MS = 5;

class Batch {
  readonly changes: Change[] = [];
  readonly thens: Then[] = [];
  /** Called after all `thens`. */
  readonly durable: (() => void)[] = [];
  bytes = 0;
  /** Somebody awaits one of its changes. */
  awaited = false;
  /** There is more in it than publishes. */
  mixed = false;
}

export class Journal {
  readonly #options: JournalOptions;
  #staged = new Batch();
  /** Bytes staged or being written. */
  #bytes = 0;
  /** At the writer, the oldest first. */
  readonly #writing: Batch[] = [];
  #flushing = false;
  /** There was more than publishes in the last batch that went off. */
  #lastMixed = false;
  #failed = false;
  readonly #relief: (() => void)[] = [];
  readonly #turnOver = (): void => {
    this.#flushing = false;
    this.#flushIfDue();
  };
  /** Rings for changes that have waited for company long enough. */
  readonly #patience = new Alarm(() => this.#hurry());

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** Stages a change; `then` is called when it is durable. Changes of one turn are committed together as long as they are few. */
  stage(change: Change, bodyBytes: number, then: Then): void {
    this.#staged.awaited = true;
    this.#stage(change, bodyBytes, then);
  }

  /** The same for a change that nobody awaits: a commit of its own would only delay those that somebody does. */
  stagePatiently(change: Change, then: Then): void {
    this.#stage(change, 0, then);
  }

  #stage(change: Change, bodyBytes: number, then: Then): void {
    const bytes = bodyBytes + CHANGE_BYTES;
    this.#staged.changes.push(change);
    this.#staged.thens.push(then);
    this.#staged.bytes += bytes;
    this.#bytes += bytes;
    this.#staged.mixed ||= change.kind !== 'publish';
    // A turn may bring thousands: the writer need not wait for the last of them. Where there are settlements, which are better
    // kept together, it has enough to do.
    if (this.#staged.changes.length === FULL_BATCH_CHANGES && !this.#staged.mixed && !this.#lastMixed) this.#flushIfDue();
    if (this.#flushing) return;
    this.#flushing = true;
    this.#options.clock.afterTurn(this.#turnOver);
  }

  /** More is waiting to be written than should: take no more publishes until there is relief. */
  get saturated(): boolean {
    return this.#bytes >= this.#options.uncommittedBytesMax;
  }

  /** Calls back once when no longer saturated. */
  onRelief(relieved: () => void): void {
    this.#relief.push(relieved);
  }

  /** Resolves when all that was staged so far is durable and was told. */
  durable(): Promise<void> {
    this.#hurry();
    const last = this.#staged.changes.length > 0 ? this.#staged : this.#writing.at(-1);
    return last === undefined ? Promise.resolve() : new Promise((resolve) => last.durable.push(resolve));
  }

  /**
   * One batch is being written, and under load a second one waits at the writer, so that it never waits for this thread. A commit
   * costs the same whether it holds ten changes or a thousand: a small batch therefore waits here for company, and one that nobody
   * awaits leaves the writer free for those that come.
   */
  #flushIfDue(): void {
    const { changes, awaited } = this.#staged;
    if (changes.length === 0 || this.#failed) return;
    const isFull = changes.length >= FULL_BATCH_CHANGES;
    if (this.#writing.length === 0 ? isFull || awaited : isFull && this.#writing.length < BATCHES_MAX) this.#flush();
    else if (!awaited) this.#options.deadlines.setNoLater(this.#patience, this.#options.clock.now() + PATIENCE_MS);
  }

  #hurry(): void {
    if (this.#staged.changes.length === 0) return;
    this.#staged.awaited = true;
    if (!this.#flushing) this.#flushIfDue();
  }

  #flush(): void {
    const batch = this.#staged;
    this.#staged = new Batch();
    this.#lastMixed = batch.mixed;
    this.#writing.push(batch);
    this.#options.store.commit(batch.changes).then(
      (report) => {
        if (this.#failed) return;
        this.#writing.shift();
        // the next batch goes to the writer first, so that it works while this thread tells what this one brought
        this.#flushIfDue();
        this.#bytes -= batch.bytes;
        for (let i = 0; i < batch.thens.length; i++) batch.thens[i]?.(report.get(i));
        this.#options.committed();
        for (const resolve of batch.durable) resolve();
        this.#tellRelief();
      },
      (error: unknown) => void this.fail(error),
    );
  }

  /** The store can't go on. Nothing is answered any more; for whoever waits for an answer, a promise of none. */
  fail(error: unknown): Promise<never> {
    if (!this.#failed) {
      this.#failed = true;
      this.#options.failed(error);
    }
    return new Promise(() => undefined);
  }

  #tellRelief(): void {
    if (this.#relief.length > 0 && this.#bytes < this.#options.uncommittedBytesMax / 2) {
      for (const relieved of this.#relief.splice(0)) relieved();
    }
  }
}
