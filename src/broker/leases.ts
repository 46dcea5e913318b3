/**
 * The line of a queue's deliveries by the end of their leases. A queue's leases are equally long, so a new one goes to the end
 * and costs nothing; only an extended one may have to look for its place. One alarm serves the whole line: it is not moved when
 * the first delivery is settled, and rings in vain at most once a lease.
 */
import type { Alarm, Deadlines } from './deadlines.ts';
import type { Entry } from './entry.ts';

export class Leases {
  size = 0;
  readonly #deadlines: Deadlines;
  readonly #alarm: Alarm;
  #first: Entry | undefined;
  #last: Entry | undefined;

  constructor(deadlines: Deadlines, alarm: Alarm) {
    this.#deadlines = deadlines;
    this.#alarm = alarm;
  }

  add(entry: Entry, end: number): void {
    entry.leaseEnd = end;
    let before = this.#last;
    while (before !== undefined && before.leaseEnd > end) before = before.earlier;
    const after = before === undefined ? this.#first : before.later;
    this.#join(before, entry);
    this.#join(entry, after);
    this.size++;
    this.#deadlines.setNoLater(this.#alarm, end);
  }

  /** Does nothing for an entry that has no lease. */
  remove(entry: Entry): void {
    if (entry.leaseEnd === 0) return;
    this.#join(entry.earlier, entry.later);
    entry.earlier = undefined;
    entry.later = undefined;
    entry.leaseEnd = 0;
    this.size--;
  }

  /** Those whose lease ran out, and sets the alarm for the next one. They stay in the line until they are removed. */
  expired(now: number): Entry[] {
    const expired: Entry[] = [];
    let entry = this.#first;
    while (entry !== undefined && entry.leaseEnd <= now) {
      expired.push(entry);
      entry = entry.later;
    }
    if (entry !== undefined) this.#deadlines.setNoLater(this.#alarm, entry.leaseEnd);
    return expired;
  }

  clear(): void {
    while (this.#first !== undefined) this.remove(this.#first);
    this.#deadlines.clear(this.#alarm);
  }

  #join(before: Entry | undefined, after: Entry | undefined): void {
    if (before === undefined) this.#first = after;
    else before.later = after;
    if (after === undefined) this.#last = before;
    else after.earlier = before;
  }
}
