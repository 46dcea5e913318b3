/**
 * A clock that stands still until a test moves it. What the broker plans for the end of a turn runs when the test lets turns
 * pass, and each of them takes a microsecond, so that nothing that waits for time to pass waits in vain.
 *
 * Each broker gets a clock of its own with `start`, all of one time; the one before it has then crashed and never wakes again.
 */
import type { Clock } from '../../src/broker/clock.ts';

const START_MS = 1_800_000_000_000;
const TURN_MS = 0.001;
/** More turns than this without an end are a loop. */
const TURNS_MAX = 100_000;

export class ManualClock {
  #now = START_MS;
  #running: Process | undefined;

  now(): number {
    return this.#now;
  }

  start(): Clock {
    this.#running = new Process(() => this.#now);
    return this.#running;
  }

  /** When somebody wants to be woken; undefined when nobody does. */
  get wakesAt(): number | undefined {
    return this.#running?.wakesAt;
  }

  /** One turn; false when there was nothing to do at its end. */
  async turn(): Promise<boolean> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#now += TURN_MS;
    return (await this.#running?.endTurn()) ?? false;
  }

  /** Lets turns pass until nothing is left to do at this time. */
  async settle(): Promise<void> {
    for (let turns = 0; turns < TURNS_MAX; turns++) if (!(await this.turn())) return;
    throw new Error('there is always something more to do');
  }

  /** Time goes by while a turn lasts. */
  leap(ms: number): void {
    this.#now += ms;
  }

  /** Lets time pass, with all that becomes due in it, each thing at its own time. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await this.settle();
    for (let at = this.wakesAt; at !== undefined && at <= until; at = this.wakesAt) {
      this.#now = Math.max(this.#now, at);
      this.#running?.ring();
      await this.settle();
    }
    this.#now = Math.max(this.#now, until);
    await this.settle();
  }
}

/** One broker's view of the clock. */
class Process implements Clock {
  readonly now: () => number;
  #wake: { readonly at: number; readonly call: () => void } | undefined;
  readonly #tasks: (() => void)[] = [];

  constructor(now: () => number) {
    this.now = now;
  }

  get wakesAt(): number | undefined {
    return this.#wake?.at;
  }

  wakeAt(at: number, call: () => void): void {
    this.#wake = { at, call };
  }

  rest(): void {
    this.#wake = undefined;
  }

  afterTurn(task: () => void): void {
    this.#tasks.push(task);
  }

  /** As in Node, what a task resolves is told before the next one runs. */
  async endTurn(): Promise<boolean> {
    const tasks = this.#tasks.splice(0);
    for (const task of tasks) {
      task();
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (this.#wake !== undefined && this.#wake.at <= this.now()) {
      this.ring();
      return true;
    }
    return tasks.length > 0;
  }

  ring(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.call();
  }
}
