/** Messages of a queue that are kept for the client that held them when it vanished, until its grace is over. Memory only. */
import { Alarm, type Deadlines } from './deadlines.ts';
import type { Entry } from './entry.ts';

interface Reservation {
  readonly entries: Entry[];
  readonly alarm: Alarm;
}

export class Reservations {
  size = 0;
  readonly #deadlines: Deadlines;
  readonly #released: (entries: readonly Entry[]) => void;
  readonly #byClient = new Map<string, Reservation>();

  constructor(deadlines: Deadlines, released: (entries: readonly Entry[]) => void) {
    this.#deadlines = deadlines;
    this.#released = released;
  }

  keep(entry: Entry, client: string, until: number): void {
    let reservation = this.#byClient.get(client);
    if (reservation === undefined) {
      reservation = { entries: [], alarm: new Alarm(() => this.#released(this.claim(client))) };
      this.#byClient.set(client, reservation);
    }
    reservation.entries.push(entry);
    this.size++;
    this.#deadlines.set(reservation.alarm, until);
  }

  /** Ends a client's reservation and returns what it kept. */
  claim(client: string): readonly Entry[] {
    const reservation = this.#byClient.get(client);
    if (reservation === undefined) return [];
    this.#byClient.delete(client);
    this.#deadlines.clear(reservation.alarm);
    this.size -= reservation.entries.length;
    return reservation.entries;
  }

  clear(): void {
    for (const client of this.#byClient.keys()) this.claim(client);
  }
}
