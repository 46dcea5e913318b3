/** Clients that subscribe and never read: they must cost the broker little memory, and the others no time. */
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { processTree } from '../../bench/lib/process-tree.ts';
import { medianOf } from '../../bench/lib/statistics.ts';
import { BrokerProcess } from '../../test/support/broker-process.ts';
import { WireClient } from '../../test/support/wire-client.ts';
import { bindInboxes, Crowd, miscounted } from '../lib/crowd.ts';
import { HealthyPairs, p99 } from '../lib/healthy-pairs.ts';
import { type Findings, NOTHING_FOUND, type Rig } from '../lib/rig.ts';

interface Plan {
  readonly readers: number;
  /** Messages in the inbox of each. */
  readonly backlog: number;
  readonly windowMs: number;
  /** Windows before the stall and, as many again, after it; and during it. */
  readonly calmWindows: number;
  readonly stalledWindows: number;
}

const FULL: Plan = { readers: 1000, backlog: 10_000, windowMs: 4000, calmWindows: 4, stalledWindows: 12 };
const QUICK: Plan = { readers: 50, backlog: 2000, windowMs: 1000, calmWindows: 2, stalledWindows: 4 };
const PAIRS = 10;
const BATCH = 100;
/** 256 bytes of JSON. */
const BODY = 'x'.repeat(254);
/** As many as a subscription with the default prefetch is sent at once. */
const PREFETCH = 100;

/** What stalled readers may cost, in MiB. */
const MEMORY_MIB_MAX = 200;
/** Below this a doubled p99 says more about the machine's disk than about the broker, in ms. */
const P99_FLOOR_MS = 10;
/** And no message of the others may ever take this long, in ms, whatever the median of the windows says. */
const LATENCY_MS_MAX = 2000;
/** After a crowd has come or gone, in ms. */
const SETTLE_MS = 500;
const SAMPLE_MS = 200;

export const stalledReaders: Rig = {
  id: 'stalled-readers',
  title: `${FULL.readers} clients that subscribe and never read, ${FULL.backlog} messages waiting for each`,
  description:
    'The inboxes are filled through a topic and the broker is started again. The measure is given by the same number of other ' +
    'clients, which come to as many messages as the stalled ones are sent at once, a prefetch each, and read and acknowledge them, ' +
    'and by healthy pairs at a steady pace. Then the stalled ones come, and at last the others again. The stalled ones answer no ' +
    'ping, but give signs of life, so that the broker can not get rid of them by that.',
  obstacle: () => (process.platform === 'linux' ? undefined : "needs Linux, which tells a process's memory in /proc"),
  async run({ quick, say }) {
    const plan = quick ? QUICK : FULL;
    const broker = new BrokerProcess([], {});
    try {
      await broker.start();
      await fill(broker.url, 'idle', plan.readers, PREFETCH);
      await fill(broker.url, 'stalled', plan.readers, plan.backlog);
      say(`${plan.readers} inboxes hold ${plan.backlog} messages each`);
      await broker.stop();
      await broker.start();
      return await watch(broker, plan, say);
    } finally {
      await broker.dispose();
    }
  },
};

/** What was measured while one kind of crowd was there. */
interface Watched {
  /** The 99th percentile of each window, in ms. */
  readonly p99s: readonly number[];
  readonly slowestMs: number;
  readonly memoryMiB: readonly number[];
  readonly cut: number;
}

async function watch(broker: BrokerProcess, plan: Plan, say: (line: string) => void): Promise<Findings> {
  const pairs = await HealthyPairs.start(broker.url, PAIRS);
  try {
    const before = await withCrowd(broker, pairs, plan, 'idle');
    say(`with clients that read: ${describe(before)}`);
    const during = await withCrowd(broker, pairs, plan, 'stalled');
    say(`with stalled ones: ${describe(during)}`);
    const after = await withCrowd(broker, pairs, plan, 'idle');
    say(`with clients that read again: ${describe(after)}`);
    const lost = await pairs.stop();
    const wrong = await miscounted(broker.url, 'stalled', plan.readers, plan.backlog);
    const { violations, details } = judge(before, during, after);
    if (lost > 0) violations.push(`${lost} messages of the healthy pairs never came`);
    if (pairs.duplicated > 0) violations.push(`${pairs.duplicated} messages of the healthy pairs came again after their ack`);
    if (wrong.length > 0)
      violations.push(`${wrong.length} inboxes do not hold the ${plan.backlog} messages that nobody acknowledged: ${wrong[0]}`);
    const published = pairs.published + PREFETCH + plan.backlog;
    const fromAll = { tries: published, confirmed: published };
    const counts = { lost: lost + wrong.length, duplicated: pairs.duplicated };
    return { ...NOTHING_FOUND, ...fromAll, ...counts, violations, details: { 'stalled readers': plan.readers, ...details } };
  } finally {
    pairs.close();
  }
}

async function withCrowd(
  broker: BrokerProcess,
  pairs: HealthyPairs,
  { readers, windowMs, calmWindows, stalledWindows }: Plan,
  kind: 'idle' | 'stalled',
): Promise<Watched> {
  const port = Number(new URL(broker.url).port);
  const tree = processTree(broker.pid);
  const memoryMiB: number[] = [];
  const sampling = setInterval(() => memoryMiB.push(tree.residentMiB()), SAMPLE_MS);
  const stalled = kind === 'stalled';
  // the first window begins before they come: what their coming costs the others counts as well
  const windows = stalled ? stalledWindows : calmWindows;
  const first = pairs.latencies(windowMs);
  let crowd: Crowd | undefined;
  try {
    crowd = await Crowd.gather({ port, count: readers, name: kind, stalled });
    const latencies = [await first];
    while (latencies.length < windows) latencies.push(await pairs.latencies(windowMs));
    const slowestMs = Math.max(...latencies.flat());
    return { p99s: latencies.map(p99), slowestMs, memoryMiB, cut: crowd.cut };
  } finally {
    clearInterval(sampling);
    crowd?.dismiss();
    await pause(SETTLE_MS);
  }
}

function judge(before: Watched, during: Watched, after: Watched): { violations: string[]; details: Findings['details'] } {
  const violations: string[] = [];
  const base = medianOf(before.memoryMiB);
  const most = Math.max(...during.memoryMiB);
  if (most > base + MEMORY_MIB_MAX)
    violations.push(`the broker's memory rose from ${whole(base)} to ${whole(most)} MiB, by more than ${MEMORY_MIB_MAX}`);
  const calm = medianOf([...before.p99s, ...after.p99s]);
  const stalled = medianOf(during.p99s);
  if (stalled > Math.max(2 * calm, P99_FLOOR_MS))
    violations.push(`the others' p99 rose from ${tenth(calm)} to ${tenth(stalled)} ms (medians of the windows)`);
  if (during.slowestMs > LATENCY_MS_MAX)
    violations.push(`a message of the others took ${whole(during.slowestMs)} ms, more than ${LATENCY_MS_MAX}`);
  const details = {
    'memory with clients that read, MiB': whole(base),
    'most with stalled ones, MiB': whole(most),
    "the others' p99 with clients that read, ms": tenth(calm),
    'with stalled ones, ms': tenth(stalled),
    'their slowest message, ms': whole(during.slowestMs),
    'cut off': during.cut,
  };
  return { violations, details };
}

function describe({ p99s, slowestMs, memoryMiB, cut }: Watched): string {
  const memory = `${whole(medianOf(memoryMiB))} MiB, at most ${whole(Math.max(...memoryMiB))}`;
  return `p99 ${tenth(medianOf(p99s))} ms, slowest ${whole(slowestMs)} ms, ${memory}, ${cut} cut off`;
}

/** Makes the inboxes of a crowd and fills them through a topic, so that each body is stored once for all of them. */
async function fill(url: string, crowd: string, count: number, backlog: number): Promise<void> {
  await bindInboxes(url, crowd, count, `for.${crowd}`);
  const publisher = await WireClient.connect(url, { client: 'filler' });
  const messages = Array.from({ length: BATCH }, () => ({ topic: `for.${crowd}`, body: BODY }));
  for (let sent = 0; sent < backlog; sent += BATCH) await publisher.request({ type: 'publish', messages });
  await publisher.close();
}

const whole = (value: number): number => Math.round(value);
const tenth = (value: number): number => Math.round(value * 10) / 10;
