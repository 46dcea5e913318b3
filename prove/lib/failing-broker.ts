/** A broker whose disk fails once in each of its lives: it must end by itself, and is started again on the same data. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { KillableBroker } from '../../test/crash/crash-run.ts';
import { BrokerProcess } from '../../test/support/broker-process.ts';
import { FailingSync } from './failing-sync.ts';

export interface FailingBrokerOptions {
  /** Which sync is to fail, counted from 1 at each start: one number a round. */
  readonly syncs: readonly number[];
  /** How long it may take to end after a failed sync. */
  readonly endMsMax: number;
  readonly environment?: Readonly<Record<string, string>>;
}

/** How long a round may go on until its sync has failed: each commit is one, so this is plenty. */
const REACH_MS_MAX = 30_000;
const REACH_LOOK_MS = 5;

export class FailingBroker implements KillableBroker {
  readonly faults: string[] = [];
  failures = 0;
  failedStarts = 0;
  readonly #endMsMax: number;
  readonly #home = mkdtempSync(join(tmpdir(), 'holdfast-prove-'));
  readonly #sync = new FailingSync(this.#home);
  readonly #environment: Record<string, string>;
  readonly #process: BrokerProcess;
  /** The syncs that are to fail, the next one first. */
  readonly #left: number[];
  /** The one that fails in this life; 0 for none. */
  #at = 0;

  constructor({ syncs, endMsMax, environment = {} }: FailingBrokerOptions) {
    this.#endMsMax = endMsMax;
    this.#left = [...syncs];
    this.#environment = { ...environment };
    this.#process = new BrokerProcess([], this.#environment);
  }

  get url(): string {
    return this.#process.url;
  }

  get dataDir(): string {
    return this.#process.dataDir;
  }

  async start(): Promise<void> {
    this.#arm(this.#left.shift() ?? 0);
    try {
      await this.#process.start();
    } catch (error) {
      if (!this.#sync.hasHappened) throw error;
      this.failures++;
      this.failedStarts++;
      this.#sync.loseUnsynced();
      this.#arm(0);
      await this.#process.start();
    }
  }

  /** Resolves when its sync has failed; at once when that was while it started. */
  async struck(): Promise<void> {
    const until = performance.now() + REACH_MS_MAX;
    while (this.#at > 0 && !this.#sync.hasHappened) {
      if (!this.#process.isRunning)
        throw new Error(`the broker ended before its sync ${this.#at}: ${this.#process.stderr.slice(-500)}`);
      if (performance.now() > until) throw new Error(`the broker did not come to its sync ${this.#at} within ${REACH_MS_MAX} ms`);
      await pause(REACH_LOOK_MS);
    }
  }

  /** It is to have ended by itself, if its sync has failed. What that sync was for is lost, since the process is gone. */
  async kill9(): Promise<void> {
    const failed = this.#at > 0 && this.#sync.hasHappened;
    const ended = !failed || (await this.#process.endsWithin(this.#endMsMax));
    await this.#process.kill9();
    if (failed) {
      this.failures++;
      const file = this.#sync.loseUnsynced();
      if (!ended && file !== undefined)
        this.faults.push(`the broker carried on after its sync ${this.#at}, of ${file}, had failed`);
    }
    this.#arm(0);
  }

  async stop(): Promise<void> {
    await this.#process.stop();
  }

  async dispose(): Promise<void> {
    await this.#process.dispose();
    rmSync(this.#home, { recursive: true, force: true });
  }

  #arm(at: number): void {
    this.#at = at;
    Object.assign(this.#environment, this.#sync.environment(at));
  }
}
