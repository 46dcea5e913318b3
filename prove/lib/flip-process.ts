/** The process that opens damaged databases: started when it is needed, and again when it has ended or was too slow. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { cleanEnvironment } from '../../test/support/broker-process.ts';
import type { FlipResult, FlipTask } from '../rigs/bit-flips-worker.ts';

const WORKER = fileURLToPath(new URL('../rigs/bit-flips-worker.ts', import.meta.url));
/** A drain takes some tens of ms. */
const TASK_MS_MAX = 20_000;

/** Why there is no result. */
export type Ended = 'signal' | 'endless';

export class FlipProcess {
  readonly #environment: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;

  constructor(environment: Readonly<Record<string, string>> = {}) {
    this.#environment = environment;
  }

  async run(task: FlipTask): Promise<FlipResult | Ended> {
    const child = (this.#child ??= fork(WORKER, {
      env: cleanEnvironment(this.#environment),
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    }));
    const result = await new Promise<FlipResult | Ended>((resolve, reject) => {
      const timer = setTimeout(() => resolve('endless'), TASK_MS_MAX);
      const settle = (outcome: FlipResult | Ended): void => {
        clearTimeout(timer);
        child.removeAllListeners();
        resolve(outcome);
      };
      child.once('message', (message) => settle(message as FlipResult));
      child.once('exit', (code, signal) => {
        if (signal === null) reject(new Error(`the process that opens databases ended with ${code}`));
        else settle('signal');
      });
      child.send(task);
    });
    // after an error the store holds on to its files until its process ends
    if (typeof result === 'string' || result.start !== undefined || result.read !== undefined) await this.end();
    return result;
  }

  async end(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
}
