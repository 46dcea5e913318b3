/** Something else fills the disk again and again: publishes are refused in time, acknowledging goes on, and all goes on by itself. */
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { BrokerProcess } from '../../test/support/broker-process.ts';
import { type Delivery, Refused, WireClient } from '../../test/support/wire-client.ts';
import { LoopMount, noPowerCut } from '../lib/loop-mount.ts';
import { type Findings, NOTHING_FOUND, type Rig } from '../lib/rig.ts';

const CYCLES = 20;
const CYCLES_QUICK = 3;
const RESERVE_MIB = 48;
/** What is left free by the one who fills the disk: less than the reserve. */
const LEFT_MIB = 24;
const MIB = 2 ** 20;
/** In a queue when the disk is filled. */
const MESSAGES = 2000;
const BODY = 'x'.repeat(1000);
const CHANGE_MS_MAX = 10_000;

export const fullDisk: Rig = {
  id: 'full-disk',
  title: `${CYCLES} times a full disk`,
  description:
    `On a small ext4, ${MESSAGES.toLocaleString('en-US')} messages are published and delivered; then a file takes the disk but for ` +
    `${LEFT_MIB} MiB, half of the reserve. Publishes must be refused with disk_full, each acknowledgement must be confirmed, and when ` +
    'the file is gone publishes must be taken again, by the same process.',
  obstacle: () => noPowerCut('ext4'),
  run({ quick, say }) {
    const progress = (done: number): void => (done % 5 === 0 ? say(`${done} of ${CYCLES} cycles`) : undefined);
    return fullDiskFindings({ cycles: quick ? CYCLES_QUICK : CYCLES, changeMsMax: CHANGE_MS_MAX, progress });
  },
};

interface FullDiskPlan {
  readonly cycles: number;
  /** How long it may take until publishes are refused, or taken again. */
  readonly changeMsMax: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly progress?: (cycles: number) => void;
}

export async function fullDiskFindings({ cycles, changeMsMax, environment = {}, progress }: FullDiskPlan): Promise<Findings> {
  const disk = new LoopMount('ext4');
  const dataDir = join(disk.directory, 'data');
  const broker = new BrokerProcess(['--disk-reserve', `${RESERVE_MIB}MiB`], environment, dataDir);
  const seen: Seen = { tries: 0, refused: 0, acks: 0, confirmed: new Set(), delivered: new Set(), violations: [], changeMsMax };
  try {
    await broker.start();
    for (let cycle = 1; cycle <= cycles; cycle++) {
      await fillOnce(broker.url, disk.directory, cycle, seen);
      progress?.(cycle);
    }
    if (!broker.isRunning) seen.violations.push(`the broker has ended: ${broker.stderr.trim().slice(-300)}`);
    await broker.stop();
  } finally {
    await broker.dispose();
    disk.remove();
  }
  const { tries, confirmed, delivered, refused, acks, violations } = seen;
  const lost = countMissing(confirmed, delivered);
  if (lost > 0) violations.push(`${lost} messages were confirmed and never delivered`);
  const invented = countMissing(delivered, confirmed);
  if (invented > 0) violations.push(`${invented} messages were delivered and never confirmed`);
  const details = { cycles, refused, 'acknowledgements confirmed while full': acks };
  return { ...NOTHING_FOUND, tries, confirmed: confirmed.size, violations, lost, details };
}

function countMissing(ids: ReadonlySet<string>, among: ReadonlySet<string>): number {
  return [...ids].filter((id) => !among.has(id)).length;
}

interface Seen {
  tries: number;
  refused: number;
  acks: number;
  /** The ids of all messages that were confirmed, and of all that came. */
  readonly confirmed: Set<string>;
  readonly delivered: Set<string>;
  readonly violations: string[];
  readonly changeMsMax: number;
}

async function fillOnce(url: string, directory: string, cycle: number, seen: Seen): Promise<void> {
  const held: Delivery[] = [];
  const delivered = (delivery: Delivery): void => {
    held.push(delivery);
    seen.delivered.add(delivery.id);
  };
  const client = await WireClient.connect(url, { client: 'filler', delivered });
  const ballast = join(directory, 'ballast');
  try {
    await client.subscribe({ queue: 'q', prefetch: 10_000 });
    const published = Array.from({ length: MESSAGES }, () => client.publish({ queue: 'q' }, BODY));
    seen.tries += MESSAGES;
    for (const { id } of await Promise.all(published)) seen.confirmed.add(String(id));
    await allDelivered(cycle, seen);
    const { bavail, bsize } = statfsSync(directory);
    writeFileSync(ballast, Buffer.alloc(Math.max(bavail * bsize - LEFT_MIB * MIB, 0), 1));
    await until(async () => !(await takes(client, seen)), 'refusal of publishes', cycle, seen);
    const acked = await Promise.allSettled(held.map((delivery) => client.ack(delivery)));
    const confirmed = acked.filter(({ status }) => status === 'fulfilled').length;
    seen.acks += confirmed;
    if (confirmed < acked.length)
      seen.violations.push(`cycle ${cycle}: ${acked.length - confirmed} of ${acked.length} acknowledgements were not confirmed`);
    if (await takes(client, seen)) seen.violations.push(`cycle ${cycle}: a publish was taken while the disk was full`);
    rmSync(ballast);
    await until(() => takes(client, seen), 'publishes taken again', cycle, seen);
    await allDelivered(cycle, seen);
    for (const delivery of held.slice(acked.length)) await client.ack(delivery);
    const { waiting } = await client.subscribe({ queue: 'q', prefetch: 10_000 });
    if (waiting !== 0) seen.violations.push(`cycle ${cycle}: ${String(waiting)} messages wait after all were acknowledged`);
  } finally {
    rmSync(ballast, { force: true });
    await client.close();
  }
}

function allDelivered(cycle: number, seen: Seen): Promise<void> {
  const isSo = (): Promise<boolean> => Promise.resolve([...seen.confirmed].every((id) => seen.delivered.has(id)));
  return until(isSo, 'delivery of all that was confirmed', cycle, seen);
}

async function takes(client: WireClient, seen: Seen): Promise<boolean> {
  seen.tries++;
  try {
    const { id } = await client.publish({ queue: 'q' }, 'more');
    seen.confirmed.add(String(id));
    return true;
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== 'disk_full') throw error;
    seen.refused++;
    return false;
  }
}

async function until(reached: () => Promise<boolean>, what: string, cycle: number, seen: Seen): Promise<void> {
  const end = performance.now() + seen.changeMsMax;
  while (!(await reached())) {
    if (performance.now() > end) return void seen.violations.push(`cycle ${cycle}: no ${what} within ${seen.changeMsMax} ms`);
    await pause(20);
  }
}
