/** The broker's only source of time and of turns, handed in, so that a test can be both. */
export interface Clock {
  /**
   * ms since 1970, with fractions. Never goes back and never jumps, whatever happens to the machine's clock. Stands still within a
   * turn of the event loop.
   */
  now(): number;
  /** Calls `wake` once, not before `at`. A new call replaces the last one. */
  wakeAt(at: number, wake: () => void): void;
  /** Stops waiting. */
  rest(): void;
  /** Runs the task when all that this turn of the event loop has brought in was handled. */
  afterTurn(task: () => void): void;
}

const TIMER_MS_MAX = 2 ** 31 - 1;

export function systemClock(): Clock {
  const start = Date.now() - performance.now();
  let turnAt = 0;
  const turnOver = (): void => {
    turnAt = 0;
  };
  const now = (): number => {
    if (turnAt === 0) {
      turnAt = start + performance.now();
      setImmediate(turnOver);
    }
    return turnAt;
  };
  let timer: NodeJS.Timeout | undefined;
  return {
    now,
    wakeAt(at, wake) {
      clearTimeout(timer);
      timer = setTimeout(wake, Math.min(Math.max(Math.ceil(at - now()), 0), TIMER_MS_MAX));
    },
    rest() {
      clearTimeout(timer);
    },
    afterTurn(task) {
      setImmediate(task);
    },
  };
}
