/**
 * The disk says once that it could not sync. What SQLite then had in hand may be on disk or not, and it would carry on: so the
 * broker must confirm nothing more, end, and find its way by itself at the next start.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KillableBroker } from '../../test/crash/crash-run.ts';
import { BrokerProcess } from '../../test/support/broker-process.ts';
import { crashFindings } from '../lib/crash-findings.ts';
import { FailingSync, noFailingSync } from '../lib/failing-sync.ts';
import type { Rig } from '../lib/rig.ts';

const SYNCS = 200;
const SYNCS_QUICK = 10;
const DRAIN_MS = 60_000;
/** How long a broker may take to end after a failed sync. */
const END_MS_MAX = 5000;

export const failingSync: Rig = {
  id: 'failing-sync',
  title: `EIO at each of the first ${SYNCS} syncs of a run`,
  description:
    'As the crashes, but nobody kills the broker: in the nth round its nth fsync fails with EIO. It must end by itself, confirm ' +
    'nothing after that, and start again on the same data.',
  obstacle: noFailingSync,
  async run({ seed, quick, say }) {
    const rounds = quick ? SYNCS_QUICK : SYNCS;
    const broker = new FailingBroker(quick ? SYNCS / SYNCS_QUICK : 1);
    try {
      const { details, violations, ...findings } = await crashFindings({
        rounds,
        seed,
        loadMs: [100, 300],
        drainMs: DRAIN_MS,
        broker,
        dataDir: broker.dataDir,
        faultsOver: () => broker.heal(),
        progress: (done) => (done % 50 === 0 ? say(`${done} of ${rounds} failures`) : undefined),
      });
      const { crashes: ends = 0, ...others } = details;
      return {
        ...findings,
        violations: [...violations, ...broker.faults],
        details: { rounds: ends, 'failed syncs': broker.failures, 'of them while starting': broker.failedStarts, ...others },
      };
    } finally {
      await broker.dispose();
    }
  },
};

class FailingBroker implements KillableBroker {
  readonly faults: string[] = [];
  failures = 0;
  failedStarts = 0;
  readonly #stride: number;
  readonly #home = mkdtempSync(join(tmpdir(), 'holdfast-prove-'));
  readonly #sync = new FailingSync(this.#home);
  readonly #environment: Record<string, string> = {};
  readonly #process = new BrokerProcess([], this.#environment);
  /** The sync that fails next; 0 for none. */
  #next = 1;
  #healed = false;

  /** `stride`: from one round to the next, the sync that fails comes so many later. */
  constructor(stride: number) {
    this.#stride = stride;
  }

  /** No more failures. */
  heal(): void {
    this.#healed = true;
    this.#next = 0;
  }

  get url(): string {
    return this.#process.url;
  }

  get dataDir(): string {
    return this.#process.dataDir;
  }

  async start(): Promise<void> {
    Object.assign(this.#environment, this.#sync.environment(this.#next));
    if (!this.#healed) this.#next += this.#stride;
    try {
      await this.#process.start();
    } catch (error) {
      if (!this.#sync.hasHappened) throw error;
      this.failures++;
      this.failedStarts++;
      await this.#process.kill9();
      Object.assign(this.#environment, this.#sync.environment(0));
      await this.#process.start();
    }
  }

  /** It is to have ended by itself, if its sync has failed by now. */
  async kill9(): Promise<void> {
    if (this.#sync.hasHappened) {
      this.failures++;
      if (!(await this.#process.endsWithin(END_MS_MAX)))
        this.faults.push(`the broker carried on after its ${this.#environment['FAIL_SYNC_AT'] ?? ''}th sync had failed`);
    }
    await this.#process.kill9();
    Object.assign(this.#environment, this.#sync.environment(0));
  }

  async stop(): Promise<void> {
    await this.#process.stop();
  }

  async dispose(): Promise<void> {
    await this.#process.dispose();
    rmSync(this.#home, { recursive: true, force: true });
  }
}
