/** The queues in memory, by id. Lets those go that nobody uses: memory follows the active queues, never all there are. */
import type { Core } from './core.ts';
import { Alarm } from './deadlines.ts';
import type { Queue } from './queue.ts';

interface Row {
  readonly queue: Queue;
  readonly forget: () => void;
  unloading: boolean;
}

/** Idle queues looked at in one go when there are too many. */
const EVICT_MAX = 100;

export class QueueTable {
  readonly #core: Core;
  readonly #rows = new Map<number, Row>();
  readonly #sweepAlarm: Alarm;
  #nextId: number;
  #evicting = false;

  constructor(core: Core, nextId: number) {
    this.#core = core;
    this.#nextId = nextId;
    this.#sweepAlarm = new Alarm(() => this.#sweep());
  }

  nextId(): number {
    return this.#nextId++;
  }

  get(id: number): Queue | undefined {
    return this.#rows.get(id)?.queue;
  }

  get size(): number {
    return this.#rows.size;
  }

  add(queue: Queue, forget: () => void): void {
    this.#rows.set(queue.id, { queue, forget, unloading: false });
    if (!this.#sweepAlarm.isSet) this.#setAlarm();
    this.#planEviction();
  }

  delete(queue: Queue): void {
    this.#rows.delete(queue.id);
  }

  /** Brings every queue to a state in which a restart counts attempts exactly. */
  unloadAll(): void {
    for (const row of this.#rows.values()) {
      row.queue.forgetReservations();
      this.#unload(row);
    }
  }

  #setAlarm(): void {
    this.#core.deadlines.set(this.#sweepAlarm, this.#core.clock.now() + this.#core.idleUnloadMs / 2);
  }

  #sweep(): void {
    const before = this.#core.clock.now() - this.#core.idleUnloadMs;
    for (const row of this.#rows.values()) if (row.queue.usedAt <= before) this.#unload(row);
    if (this.#rows.size > 0) this.#setAlarm();
  }

  /** Not at once: whoever has just been given a queue must come to use it first. */
  #planEviction(): void {
    if (this.#evicting || this.#rows.size <= this.#core.limits.queuesLoadedMax) return;
    this.#evicting = true;
    this.#core.clock.afterTurn(() => {
      this.#evicting = false;
      const before = this.#rows.size;
      this.#evict();
      if (this.#rows.size < before) this.#planEviction();
    });
  }

  /** Too many queues: the ones loaded first go first, whether or not they were used just now. */
  #evict(): void {
    let looked = 0;
    for (const row of this.#rows.values()) {
      if (looked++ === EVICT_MAX || this.#rows.size <= this.#core.limits.queuesLoadedMax) return;
      if (row.queue.isIdle) this.#unload(row);
      else {
        // to the end of the line, so that the next look does not stop at the same busy ones
        this.#rows.delete(row.queue.id);
        this.#rows.set(row.queue.id, row);
      }
    }
  }

  #unload(row: Row): void {
    if (row.unloading || !row.queue.isIdle) return;
    row.unloading = true;
    row.queue.unload((unloaded) => {
      row.unloading = false;
      if (unloaded) row.forget();
    });
  }
}
