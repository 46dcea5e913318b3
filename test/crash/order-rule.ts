/**
 * Invariant 6, on queues with one consumer at a time: on one connection, a publisher's messages come in the order in which they
 * were confirmed. So first deliveries are in order, and what comes back on a new connection comes before what is newer. What this
 * very connection gave back, or what was to wait, may come later; but what was given back without a delay comes before anything new.
 */
import type { Delivered, HistoryEvent } from './history.ts';
import type { PublishRules } from './publish-rules.ts';
import type { Report } from './violation.ts';

interface Line {
  /** The highest rank that each publisher's messages have reached on this connection. */
  readonly reached: Map<string, number>;
  /** Delivered on this connection before. */
  readonly seen: Set<string>;
  /** Given back without a delay, confirmed, and not come again. */
  readonly due: Set<string>;
}

export class OrderRule {
  readonly #publishes: PublishRules;
  readonly #competing: ReadonlySet<string>;
  readonly #report: Report;
  readonly #lines = new Map<string, Line>();
  /** Messages that were ever told to wait. */
  readonly #delayed = new Set<string>();

  constructor(publishes: PublishRules, competing: ReadonlySet<string>, report: Report) {
    this.#publishes = publishes;
    this.#competing = competing;
    this.#report = report;
  }

  see(event: HistoryEvent): void {
    if (event.kind === 'delivery' && !this.#competing.has(event.queue)) this.#delivery(event);
    if (event.kind === 'nack' && event.delay !== undefined) this.#delayed.add(event.id);
    if (event.kind === 'nacked' && event.outcome === 'ok' && !this.#delayed.has(event.id))
      this.#lines.get(`${event.connection} ${event.queue}`)?.due.add(event.id);
  }

  #delivery(delivery: Delivered): void {
    const { connection, queue, id, key, attempt } = delivery;
    const name = `${connection} ${queue}`;
    let line = this.#lines.get(name);
    if (line === undefined) {
      line = { reached: new Map(), seen: new Set(), due: new Set() };
      this.#lines.set(name, line);
    }
    line.due.delete(id);
    const [waiting] = line.due;
    if (attempt === 1 && waiting !== undefined)
      this.#report({
        invariant: 6,
        kind: 'reordered',
        text: `${queue} delivered the new ${key} before ${waiting}, which was given back`,
      });
    const seen = line.seen.has(id) || this.#delayed.has(id);
    line.seen.add(id);
    const place = this.#publishes.rankOf(key);
    if (place === undefined) return;
    const reached = line.reached.get(place.publisher) ?? 0;
    if (place.rank > reached) line.reached.set(place.publisher, place.rank);
    else if (!seen)
      this.#report({
        invariant: 6,
        kind: 'reordered',
        text: `${queue} delivered ${key} of ${place.publisher} after what was confirmed later`,
      });
  }
}
