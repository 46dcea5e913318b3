/**
 * The line of what queues want to read. The store answers everything in the order in which it was asked, so a thousand reads that
 * are asked for at once would hold up every commit behind them, and so everybody else: when 1,000 clients came back to full
 * inboxes, messages of others took up to 280 ms, and 110 ms since reads stand in line. A read that is asked for later sees all
 * that was committed in the meantime, so waiting changes no order.
 */
import type { ReadLimits, ReadResult, Selection, Store } from '../store/store.ts';
import { Deque } from './deque.ts';

/**
 * Messages that may be asked for at a time, at the most: two large reads, or 32 first ones. More would only make commits wait; with
 * two of the small ones, 5,000 clients that came back to ten messages each took 2.2 s instead of 1.4.
 */
const ASKED_MAX = 4096;

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
  /** Messages, as many as may come. */
  #asked = 0;

  constructor(store: Store, failed: (error: unknown) => void) {
    this.#store = store;
    this.#failed = failed;
  }

  read(wanted: Wanted): void {
    this.#line.push(wanted);
    this.#askMore();
  }

  /** Nobody consumes any more, and the store is about to close: what was not asked for yet never is. */
  close(): void {
    this.#line.clear();
  }

  #askMore(): void {
    for (let next = this.#line.first(); next !== undefined; next = this.#line.first()) {
      const { messagesMax } = next.limits;
      if (this.#asked > 0 && this.#asked + messagesMax > ASKED_MAX) return;
      this.#line.shift();
      this.#asked += messagesMax;
      this.#ask(next);
    }
  }

  #ask({ queue, selection, limits, take }: Wanted): void {
    this.#store.read(queue, selection, limits).then((result) => {
      this.#asked -= limits.messagesMax;
      this.#askMore();
      take(result);
    }, this.#failed);
  }
}
