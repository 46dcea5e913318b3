/**
 * Each sync takes seconds, as on a disk that is busy with other things. Whoever waits for the disk must wait, nobody else: the
 * broker answers pings, keeps its connections, confirms nothing early, and takes no more than it has room for.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { processTree } from '../../bench/lib/process-tree.ts';
import { type SlowSync, slowSync as slowSyncIn } from '../../bench/lib/slow-sync.ts';
import type { KillableBroker } from '../../test/crash/crash-run.ts';
import { BrokerProcess } from '../../test/support/broker-process.ts';
import { WireClient } from '../../test/support/wire-client.ts';
import { crashFindings } from '../lib/crash-findings.ts';
import { CHUNK_BYTES, DiskProbes } from '../lib/disk-probes.ts';
import { noFaultyDisk } from '../lib/failing-sync.ts';
import type { Rig, RigOptions } from '../lib/rig.ts';

const SYNC_MS = 200;
const SYNC_MS_LONG = 2000;
/** How long each of the two lasts, and the flood, in ms. */
interface Phases {
  readonly short: number;
  readonly long: number;
  readonly flood: number;
}
const PHASES_MS: Phases = { short: 30_000, long: 120_000, flood: 120_000 };
const PHASES_MS_QUICK: Phases = { short: 1200, long: 3500, flood: 6500 };
/** Shorter than a sync, so that who was not heard because of the disk would be cut off. */
const HEARTBEAT_MS = 500;
const UNCOMMITTED_MIB = 16;
const FLOOD = 'flood';
const FLOODING_CLIENTS = 8;
/** By how much the broker's memory may grow while it is flooded: what is uncommitted, several times over, and garbage. */
const GROWN_MIB_MAX = 160;
const DRAIN_MS = 60_000;
const MIB = 2 ** 20;
const ARGS = ['--heartbeat', `${HEARTBEAT_MS}ms`, '--uncommitted-max', `${UNCOMMITTED_MIB}MiB`];

export const slowSync: Rig = {
  id: 'slow-sync',
  title: `syncs that take ${SYNC_MS} ms and ${SYNC_MS_LONG / 1000} s longer`,
  description:
    'The load of the crashes on a broker whose every fsync takes longer, and beside it clients that ping all the time, in both ' +
    'ways: each ping must be answered in half a second and nobody be cut off, while no publish and no ack is confirmed, and no ' +
    `message delivered, before a sync has ended. Then ${FLOODING_CLIENTS} clients push all that goes into their sockets: the ` +
    `broker may grow by ${GROWN_MIB_MAX} MiB. In the end it is killed in the middle of a sync, and all that was confirmed must be there.`,
  obstacle: noFaultyDisk,
  async run({ seed, quick, say }) {
    const broker = new SlowBroker();
    const probes = new DiskProbes();
    let grownMiB = 0;
    const loadUntil = async (): Promise<void> => {
      grownMiB = await probe(broker, probes, quick ? PHASES_MS_QUICK : PHASES_MS, say);
    };
    try {
      const plan = { rounds: 1, seed, loadMs: [0, 0] as const, loadUntil, drainMs: DRAIN_MS, broker, dataDir: broker.dataDir };
      const { details, violations, ...findings } = await crashFindings(plan);
      const { pings, slowestPingMs, confirms, slowestConfirmMs, floodTries, floodConfirmed } = probes;
      const there = await broker.waitingIn(FLOOD);
      const found = [...violations, ...probes.violations];
      if (grownMiB > GROWN_MIB_MAX) found.push(`the broker grew by ${grownMiB} MiB while it was flooded`);
      if (there < floodConfirmed) found.push(`${floodConfirmed - there} messages of the flood were confirmed and are lost`);
      return {
        ...findings,
        tries: findings.tries + confirms + floodTries,
        confirmed: findings.confirmed + confirms + floodConfirmed,
        lost: findings.lost + Math.max(floodConfirmed - there, 0),
        unknown: findings.unknown + floodTries - floodConfirmed,
        violations: found,
        details: {
          'slow syncs': broker.syncs,
          pings,
          'slowest ping, ms': Math.ceil(slowestPingMs),
          'slowest confirm, ms': Math.ceil(slowestConfirmMs),
          'pushed by the flood, MiB': Math.round((floodTries * CHUNK_BYTES) / MIB),
          'of it confirmed': Math.round((floodConfirmed * CHUNK_BYTES) / MIB),
          'grown meanwhile by, MiB': grownMiB,
          ...details,
        },
      };
    } finally {
      await broker.dispose();
    }
  },
};

/** Resolves with by how many MiB the broker grew in the flood. */
async function probe(broker: SlowBroker, probes: DiskProbes, phases: Phases, say: RigOptions['say']): Promise<number> {
  const { url } = broker;
  await Promise.all([probes.silent(url), probes.pinging(url), probes.working(url)]);
  await probes.flooding(url, FLOOD, FLOODING_CLIENTS);
  const slow = (ms: number): void => {
    broker.slow(ms);
    probes.syncTakes(ms);
  };
  slow(SYNC_MS);
  await pause(phases.short);
  slow(SYNC_MS_LONG);
  await pause(phases.long);
  say(`${probes.pings} pings answered, the slowest after ${probes.slowestPingMs.toFixed(0)} ms`);
  const before = broker.residentMiB;
  await probes.flood(FLOOD, phases.flood);
  const grownMiB = Math.round(broker.peakMiB - before);
  await probes.end();
  return grownMiB;
}

/** Killed while its disk is slow; the disk is as it was when it starts again. */
class SlowBroker implements KillableBroker {
  readonly #home = mkdtempSync(join(tmpdir(), 'holdfast-prove-'));
  readonly #sync: SlowSync = slowSyncIn(this.#home, 0);
  readonly #process = new BrokerProcess(ARGS, this.#sync.environment);
  syncs = 0;
  #syncsBefore = 0;

  get url(): string {
    return this.#process.url;
  }

  get dataDir(): string {
    return this.#process.dataDir;
  }

  get residentMiB(): number {
    return processTree(this.#process.pid ?? 0).residentMiB();
  }

  get peakMiB(): number {
    return processTree(this.#process.pid ?? 0).peakMiB();
  }

  slow(ms: number): void {
    if (this.#syncsBefore === 0) this.#syncsBefore = this.#sync.calls();
    this.#sync.change(ms);
  }

  start(): Promise<void> {
    return this.#process.start();
  }

  async kill9(): Promise<void> {
    this.syncs ||= this.#sync.calls() - this.#syncsBefore;
    await this.#process.kill9();
    this.#sync.change(0);
  }

  async stop(): Promise<void> {
    await this.#process.stop();
  }

  /** How many messages a queue holds, none of which was ever taken. */
  async waitingIn(queue: string): Promise<number> {
    await this.start();
    const client = await WireClient.connect(this.url);
    const { waiting } = await client.subscribe({ queue, prefetch: 1 });
    client.terminate();
    await this.stop();
    return Number(waiting);
  }

  async dispose(): Promise<void> {
    await this.#process.dispose();
    rmSync(this.#home, { recursive: true, force: true });
  }
}
