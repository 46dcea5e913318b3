/** S9: what clients cost that do nothing. */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startDriver } from '../lib/child.ts';
import type { BenchOptions, Contender, Sample, Scenario } from '../lib/scenario.ts';
import { atMost } from '../lib/targets.ts';
import type { Server } from '../lib/system.ts';
import { holdfast } from '../systems/holdfast.ts';

const CLIENTS = 10_000;
/** Before and after the clients came: code is loaded and compiled, garbage collected. */
const SETTLE_MS = 20_000;
/** More than one heartbeat of 20 s. */
const WATCH_MS = 30_000;
const KILOBYTES_MAX = 15;
const CPU_PERCENT_MAX = 2;
const CPU = 'CPU in % of a core';

export const idleSubscribers: Scenario = {
  id: 's9',
  title: '10,000 idle subscribers',
  description:
    '10,000 named clients connect, subscribe to their inboxes and then do nothing but answer pings. After 20 s the resident memory ' +
    'is what it is more than before they came, divided among them; the CPU time is that of the next 30 s, heartbeats included. A new ' +
    'broker each run, default settings.',
  unit: 'kB a connection',
  better: 'less',
  warmUpRounds: 0,
  rounds: 3,
  contenders: (options) => [new IdleBroker(options)],
  targets: [
    atMost({
      text: `≤ ${KILOBYTES_MAX} kB each`,
      of: holdfast.title,
      figure: ({ value }) => value,
      most: KILOBYTES_MAX,
      unit: 'kB',
    }),
    atMost({
      text: `CPU ≤ ${CPU_PERCENT_MAX} % of a core`,
      of: holdfast.title,
      figure: ({ details }) => details?.[CPU] ?? Number.NaN,
      most: CPU_PERCENT_MAX,
      unit: '%',
    }),
  ],
};

class IdleBroker implements Contender {
  readonly name = holdfast.title;
  readonly durability = holdfast.durability;
  readonly #directory: string;
  readonly #clients: number;
  readonly #settleMs: number;
  readonly #watchMs: number;

  constructor({ directory, scale }: BenchOptions) {
    this.#directory = join(directory, 'idle');
    this.#clients = Math.ceil(CLIENTS * scale);
    this.#settleMs = Math.max(SETTLE_MS * scale, 500);
    this.#watchMs = Math.max(WATCH_MS * scale, 500);
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  async run(round: number): Promise<Sample> {
    const server = await holdfast.start(join(this.#directory, String(round)));
    try {
      return await this.#watch(server);
    } finally {
      await server.stop();
    }
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  async #watch(server: Server): Promise<Sample> {
    const driver = await startDriver();
    try {
      await pause(this.#settleMs);
      const before = server.residentMiB();
      const run = { load: 'idle', protocol: holdfast.protocol, port: server.port, clients: this.#clients } as const;
      const { driverCpuSeconds } = await driver.run(run);
      await pause(this.#settleMs);
      const after = server.residentMiB();
      const cpuBefore = server.cpuSeconds();
      await pause(this.#watchMs);
      const serverCpuSeconds = server.cpuSeconds() - cpuBefore;
      return {
        value: ((after - before) * 1024 * 1024) / 1000 / this.#clients,
        messages: this.#clients,
        serverCpuSeconds,
        driverCpuSeconds,
        peakMiB: server.peakMiB(),
        details: { [CPU]: (serverCpuSeconds * 100_000) / this.#watchMs, 'MiB before': before, 'MiB after': after },
      };
    } finally {
      driver.stop();
    }
  }
}
