/** Connections that break in the middle of a frame, are reset, or stall, while the broker lives. */
import type { KillableBroker } from '../../test/crash/crash-run.ts';
import { BrokerProcess } from '../../test/support/broker-process.ts';
import { SeededRandom } from '../../test/support/seeded-random.ts';
import { crashFindings } from '../lib/crash-findings.ts';
import { type FaultCounts, FaultProxy } from '../lib/fault-proxy.ts';
import type { Findings, Rig } from '../lib/rig.ts';

const ROUNDS = 500;
const ROUNDS_QUICK = 20;
const DRAIN_MS = 60_000;

export const network: Rig = {
  id: 'network',
  title: `${ROUNDS} times every connection cut, reset or stalled under load`,
  description:
    'As the crashes, but the broker lives: its clients reach it through a proxy, which at a random moment breaks every connection, ' +
    'each in its own way: after so many more bytes, most likely in the middle of a frame; by a reset; or by passing nothing on for ' +
    'a while first.',
  run({ seed, quick, say }) {
    const rounds = quick ? ROUNDS_QUICK : ROUNDS;
    const progress = (done: number): void => (done % 100 === 0 ? say(`${done} of ${rounds} rounds`) : undefined);
    return networkFindings({ rounds, seed, drainMs: DRAIN_MS, progress });
  },
};

export interface NetworkPlan {
  readonly rounds: number;
  readonly seed: number;
  readonly drainMs: number;
  /** Of the broker. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly progress?: (done: number) => void;
}

export async function networkFindings({ environment = {}, ...plan }: NetworkPlan): Promise<Findings> {
  const broker = new ProxiedBroker(new SeededRandom(plan.seed), environment);
  const { dataDir } = broker;
  try {
    const { details, ...findings } = await crashFindings({ ...plan, loadMs: [50, 300], broker, dataDir, survives: true });
    const { crashes: rounds = 0, ...others } = details;
    const { cuts, torn, resets, stalls } = broker.counts;
    const faults = { cuts, 'of them within what was being sent': torn, resets, stalls };
    return { ...findings, details: { rounds, ...faults, ...others } };
  } finally {
    await broker.dispose();
  }
}

/** Its `kill9` breaks the connections, and nothing else. */
class ProxiedBroker implements KillableBroker {
  url = '';
  readonly #random: SeededRandom;
  readonly #process: BrokerProcess;
  #proxy: FaultProxy | undefined;

  constructor(random: SeededRandom, environment: Readonly<Record<string, string>>) {
    this.#random = random;
    this.#process = new BrokerProcess([], environment);
  }

  get counts(): FaultCounts {
    return this.#proxy?.counts ?? { cuts: 0, torn: 0, resets: 0, stalls: 0 };
  }

  get dataDir(): string {
    return this.#process.dataDir;
  }

  async start(): Promise<void> {
    if (this.#proxy !== undefined) return this.#proxy.mend();
    await this.#process.start();
    this.#proxy = new FaultProxy(Number(new URL(this.#process.url).port));
    this.url = `ws://127.0.0.1:${await this.#proxy.listen()}`;
  }

  async kill9(): Promise<void> {
    await this.#proxy?.breakAll(this.#random);
  }

  stop(): Promise<unknown> {
    return this.#process.stop();
  }

  async dispose(): Promise<void> {
    this.#proxy?.close();
    await this.#process.dispose();
  }
}
