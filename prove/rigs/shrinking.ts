/**
 * What a drained queue took is given back to the disk by a running broker, in slices that nobody notices, and the log beside the
 * database file stays short all the time.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { BrokerProcess } from '../../test/support/broker-process.ts';
import { Backlog } from '../lib/backlog.ts';
import { PacedClient } from '../lib/paced-client.ts';
import { type Findings, NOTHING_FOUND, type Rig, type RigOptions } from '../lib/rig.ts';
import { plantedEnvironment } from '../plants/planted.ts';

interface Size {
  /** How long the paced client is watched before anything else happens, in ms. */
  readonly calmMs: number;
  readonly messages: number;
  readonly bodyBytes: number;
  /** How long messages come and go at full speed, in ms. */
  readonly loadMs: number;
  /** How long the shrinking may take, in ms. */
  readonly shrinkMsMax: number;
  /** Of the broker: nothing, or to look only a few times whether pages stay free. */
  readonly environment: Readonly<Record<string, string>>;
}

const FULL: Size = {
  calmMs: 60_000,
  messages: 1_000_000,
  bodyBytes: 2000,
  loadMs: 180_000,
  shrinkMsMax: 600_000,
  environment: {},
};
const QUICK: Size = {
  calmMs: 2000,
  messages: 50_000,
  bodyBytes: 2000,
  loadMs: 1500,
  shrinkMsMax: 15_000,
  environment: plantedEnvironment('few-looks'),
};
const SHARE_LEFT_MAX = 0.1;
const WAL_MIB_MAX = 64;
const WAL_LOOK_MS = 50;
const SIZE_LOOK_MS = 100;
/** The shrinking begins before the file becomes shorter: the first slices are in the log. */
const UNSEEN_MS = 1000;
/** How much slower than before the paced client may be meanwhile: the double, and a little. */
const SLOWER_MAX = 2;
const SLOWER_MS = 10;
const MIB = 2 ** 20;

export const shrinking: Rig = {
  id: 'shrinking',
  title: 'a drained backlog is given back to the disk',
  description:
    'A client publishes and takes 200 messages a second. Others come and go at full speed for a while; then ' +
    `${FULL.messages / 1e6} million are published before they are taken. The database file must shrink to a tenth of its highest ` +
    'within ten minutes, and meanwhile that client must not be slower than twice the p99 that it had when nothing else ' +
    `happened, and ${SLOWER_MS} ms. The log must never be longer than ${WAL_MIB_MAX} MiB. A short ` +
    'run has fewer messages, and a broker that waits for seconds instead of two minutes before it begins.',
  async run({ quick, say }) {
    const size = quick ? QUICK : FULL;
    const broker = new BrokerProcess([], size.environment);
    try {
      await broker.start();
      return await giveBack(broker, size, say);
    } finally {
      await broker.dispose();
    }
  },
};

async function giveBack(broker: BrokerProcess, size: Size, say: RigOptions['say']): Promise<Findings> {
  const path = join(broker.dataDir, 'holdfast.db');
  const log = new Highest(`${path}-wal`);
  const client = await PacedClient.open(broker.url);
  await pause(size.calmMs);
  const before = client.p99(0, performance.now());
  const backlog = await Backlog.open(broker.url, size.bodyBytes);
  await backlog.take();
  const until = performance.now() + size.loadMs;
  await backlog.publish(() => performance.now() < until);
  await backlog.drained();
  say(`${backlog.confirmed} messages came and went`);
  await backlog.leave();
  await backlog.publish((published) => published < size.messages);
  await backlog.take();
  await backlog.drained();
  const peakMiB = statSync(path).size / MIB;
  say(`${size.messages} messages were there and are drained, the file has ${peakMiB.toFixed(0)} MiB`);
  const shrunk = await shrink(path, peakMiB, size.shrinkMsMax);
  const missing = await client.end();
  log.end();
  await backlog.close();
  await broker.stop();
  const meanwhile = client.p99(shrunk.beganAt - UNSEEN_MS, shrunk.endedAt);
  const violations = [...backlog.violations];
  if (shrunk.leftMiB > peakMiB * SHARE_LEFT_MAX)
    violations.push(`of ${peakMiB.toFixed(0)} MiB, ${shrunk.leftMiB.toFixed(0)} are left after ${size.shrinkMsMax / 1000} s`);
  if (meanwhile > before * SLOWER_MAX + SLOWER_MS)
    violations.push(`a message took ${meanwhile.toFixed(1)} ms (p99) meanwhile, and ${before.toFixed(1)} ms before`);
  if (log.bytes > WAL_MIB_MAX * MIB) violations.push(`the log was ${(log.bytes / MIB).toFixed(1)} MiB long`);
  if (missing > 0) violations.push(`${missing} of the paced client's messages did not come`);
  const lost = backlog.confirmed - backlog.acknowledged + missing;
  return {
    ...NOTHING_FOUND,
    tries: backlog.tries + client.sent,
    confirmed: backlog.confirmed + client.sent,
    lost,
    violations,
    details: {
      'highest, MiB': Math.round(peakMiB),
      'left, MiB': Math.round(shrunk.leftMiB),
      'after s': Math.round((shrunk.endedAt - shrunk.drainedAt) / 1000),
      'p99 before, ms': before.toFixed(1),
      'p99 meanwhile, ms': meanwhile.toFixed(1),
      'longest log, MiB': Math.ceil(log.bytes / MIB),
    },
  };
}

interface Shrunk {
  readonly drainedAt: number;
  /** When the file was first seen to be shorter. */
  readonly beganAt: number;
  readonly endedAt: number;
  readonly leftMiB: number;
}

/** Waits until the file is as small as it must become, or the time is over. */
async function shrink(path: string, peakMiB: number, msMax: number): Promise<Shrunk> {
  const drainedAt = performance.now();
  let beganAt = Number.POSITIVE_INFINITY;
  for (;;) {
    await pause(SIZE_LOOK_MS);
    const leftMiB = statSync(path).size / MIB;
    const now = performance.now();
    if (leftMiB < peakMiB) beganAt = Math.min(beganAt, now);
    if (leftMiB <= peakMiB * SHARE_LEFT_MAX || now - drainedAt > msMax) return { drainedAt, beganAt, endedAt: now, leftMiB };
  }
}

/** Watches how long a file becomes. */
class Highest {
  bytes = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(path: string) {
    this.#timer = setInterval(() => {
      this.bytes = Math.max(this.bytes, statSync(path, { throwIfNoEntry: false })?.size ?? 0);
    }, WAL_LOOK_MS);
  }

  end(): void {
    clearInterval(this.#timer);
  }
}
