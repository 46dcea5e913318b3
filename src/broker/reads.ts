/**
 * The line of what queues want to read. The store answers everything in the order in which it was asked, so a thousand reads that
 * are asked for at once would hold up every commit behind them, and so everybody else: when 1,000 clients came back to full
 * inboxes, messages of others took up to 280 ms, and 38 ms since reads stand in line. A read that is asked for later sees all
 * that was committed in the meantime, so waiting changes no order.
 */
import type { ReadLimits, ReadResult, Selection, Store } from '../store/store.ts';
import { Deque } from './deque.ts';

/** Enough to keep the store busy; more would only make commits wait. */
const ASKED_MAX = 2;

interface Wanted {
  readonly queue: number;
  readonly selection: Selection;
  readonly limits: ReadLimits;
  readonly take: (result: ReadResult) => void;
}

export class Reads {
  readonly #store: Store;
  readonly #failed: (error: unknown) => void;
  readonly #line = new Deque<Wanted>();
  #asked = 0;

  constructor(store: Store, failed: (error: unknown) => void) {
    this.#store = store;
    this.#failed = failed;
  }

  read(wanted: Wanted): void {
    if (this.#asked < ASKED_MAX) this.#ask(wanted);
    else this.#line.push(wanted);
  }

  /** Nobody consumes any more, and the store is about to close: what was not asked for yet never is. */
  close(): void {
    this.#line.clear();
  }

  #ask({ queue, selection, limits, take }: Wanted): void {
    this.#asked++;
    this.#store.read(queue, selection, limits).then((result) => {
      this.#asked--;
      const next = this.#line.shift();
      if (next !== undefined) this.#ask(next);
      take(result);
    }, this.#failed);
  }
}
