/** Every deadline of the broker: one heap, one timer. */
import type { Clock } from './clock.ts';
import { Heap, type HeapItem } from './heap.ts';

/** Something that rings once at its time, and can be set again. */
export class Alarm implements HeapItem {
  heapIndex = -1;
  /** ms since 1970, when it is set. */
  at = 0;
  readonly ring: () => void;

  constructor(ring: () => void) {
    this.ring = ring;
  }

  get isSet(): boolean {
    return this.heapIndex >= 0;
  }
}

export class Deadlines {
  readonly #clock: Clock;
  readonly #alarms = new Heap<Alarm>((a, b) => a.at < b.at);
  /** What the timer is set to; Infinity when it rests. */
  #wakesAt = Number.POSITIVE_INFINITY;
  readonly #wake = (): void => this.#ringDue();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Sets the alarm to this time, whatever it was set to before. */
  set(alarm: Alarm, at: number): void {
    this.#alarms.remove(alarm);
    alarm.at = at;
    this.#alarms.push(alarm);
    this.#rearm();
  }

  /** Sets the alarm to this time unless it rings earlier anyhow. */
  setNoLater(alarm: Alarm, at: number): void {
    if (!alarm.isSet || at < alarm.at) this.set(alarm, at);
  }

  clear(alarm: Alarm): void {
    this.#alarms.remove(alarm);
  }

  /** No alarm rings any more. */
  stop(): void {
    this.#alarms.drain();
    this.#clock.rest();
  }

  #rearm(): void {
    const first = this.#alarms.first();
    if (first === undefined || first.at >= this.#wakesAt) return;
    this.#wakesAt = first.at;
    this.#clock.wakeAt(first.at, this.#wake);
  }

  #ringDue(): void {
    this.#wakesAt = Number.POSITIVE_INFINITY;
    const now = this.#clock.now();
    for (let alarm = this.#alarms.first(); alarm !== undefined && alarm.at <= now; alarm = this.#alarms.first()) {
      this.#alarms.remove(alarm);
      alarm.ring();
    }
    this.#rearm();
  }
}
