/** Runs random histories, one seed after the other, in a thread of its own; of the first one that fails it finds the shortest. */
import { parentPort, workerData } from 'node:worker_threads';
import { allSteps, RandomHistory } from '../../test/support/random-history.ts';

export interface SimulatorTask {
  readonly firstSeed: number;
  readonly seeds: number;
  readonly steps: number;
}

export interface Counts {
  readonly seeds: number;
  readonly deliveries: number;
  readonly tries: number;
  readonly confirmed: number;
  readonly unknown: number;
}

export interface Failure {
  readonly seed: number;
  readonly message: string;
  /** The fewest steps found with which the seed fails. */
  readonly steps: readonly number[];
}

export type SimulatorMessage =
  | { readonly kind: 'counts'; readonly counts: Counts }
  | { readonly kind: 'failure'; readonly failure: Failure };

const REPORT_EVERY = 100;

/** What is wrong with this history; undefined when nothing is. */
async function wrongWith(seed: number, steps: readonly number[]): Promise<string | undefined> {
  try {
    await RandomHistory.run({ seed, steps });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Leaves out steps, in halves, quarters … and one by one, as long as it still fails (delta debugging, Zeller 1999). */
async function shrink(seed: number, steps: readonly number[]): Promise<readonly number[]> {
  let failing = steps;
  for (let size = Math.ceil(failing.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < failing.length; ) {
      const fewer = failing.toSpliced(at, size);
      if ((await wrongWith(seed, fewer)) === undefined) at += size;
      else failing = fewer;
    }
  }
  return failing;
}

async function work({ firstSeed, seeds, steps }: SimulatorTask, send: (message: SimulatorMessage) => void): Promise<void> {
  let counts = { seeds: 0, deliveries: 0, tries: 0, confirmed: 0, unknown: 0 };
  const report = (): void => {
    send({ kind: 'counts', counts });
    counts = { seeds: 0, deliveries: 0, tries: 0, confirmed: 0, unknown: 0 };
  };
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    try {
      const { deliveries, publishings } = await RandomHistory.run({ seed, steps: allSteps(steps) });
      counts.seeds++;
      counts.deliveries += deliveries;
      counts.tries += publishings.length;
      for (const { outcome } of publishings) {
        if (outcome === 'ok') counts.confirmed++;
        if (outcome === 'info') counts.unknown++;
      }
    } catch {
      report();
      const fewest = await shrink(seed, allSteps(steps));
      send({ kind: 'failure', failure: { seed, steps: fewest, message: (await wrongWith(seed, fewest)) ?? '' } });
      return;
    }
    if (counts.seeds === REPORT_EVERY) report();
  }
  report();
}

const port = parentPort;
if (port !== null) await work(workerData as SimulatorTask, (message) => port.postMessage(message));
