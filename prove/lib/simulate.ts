/** Random histories in threads, half of the seeds in each. */
import { Worker } from 'node:worker_threads';
import type { Counts, Failure, SimulatorMessage, SimulatorTask } from '../rigs/simulator-worker.ts';
import { plantedEnvironment, PRELOAD } from '../plants/planted.ts';

export interface Simulation {
  readonly firstSeed: number;
  readonly seeds: number;
  readonly steps: number;
  readonly threads: number;
  /** A bug to plant, by its id. */
  readonly bug?: string;
  /** After so many ms it stops, with what it has by then. */
  readonly msMax?: number;
  readonly progress?: (seedsDone: number) => void;
}

export interface Simulated {
  readonly counts: Counts;
  /** The first one of each thread that found any. */
  readonly failures: readonly Failure[];
}

export async function simulate({ firstSeed, seeds, steps, threads, bug, msMax, progress }: Simulation): Promise<Simulated> {
  const counts = { seeds: 0, deliveries: 0, tries: 0, confirmed: 0, unknown: 0 };
  const failures: Failure[] = [];
  const share = Math.ceil(seeds / threads);
  const run = (thread: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const task: SimulatorTask = {
        firstSeed: firstSeed + thread * share,
        seeds: Math.min(share, seeds - thread * share),
        steps,
      };
      const worker = new Worker(new URL('../rigs/simulator-worker.ts', import.meta.url), {
        workerData: task,
        ...(bug === undefined ? {} : { env: { ...process.env, ...plantedEnvironment(bug) }, execArgv: ['--import', PRELOAD] }),
      });
      worker.on('message', (message: SimulatorMessage) => {
        if (message.kind === 'failure') return void failures.push(message.failure);
        for (const name of Object.keys(counts) as (keyof Counts)[]) counts[name] += message.counts[name];
        progress?.(counts.seeds);
      });
      worker.once('error', reject);
      const timer = msMax === undefined ? undefined : setTimeout(() => void worker.terminate(), msMax);
      worker.once('exit', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  await Promise.all(Array.from({ length: threads }, (_, thread) => run(thread)));
  return { counts, failures };
}
