/**
 * Kills a broker again and again while clients publish and consume, then lets everything drain and has the history checked. Needs
 * no test framework.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { bounded, WireClient } from '../support/wire-client.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { checkHistory, type Verdict } from './check-history.ts';
import { COMPETING, consumers, MEMBERS, publishers } from './crash-load.ts';
import type { CrashConsumer } from './crash-consumer.ts';
import { Door } from './door.ts';
import type { HistoryEvent } from './history.ts';

export interface KillableBroker {
  readonly url: string;
  /** Resolves when it is ready. */
  start(): Promise<void>;
  kill9(): Promise<void>;
  stop(): Promise<unknown>;
}

export interface CrashRunOptions {
  readonly rounds: number;
  readonly seed: number;
  /** How long a round's load lasts before the kill, in ms: anything between the two. */
  readonly loadMs: readonly [number, number];
  /** Then the load goes on until this resolves. */
  readonly loadUntil?: () => Promise<void>;
  /** How likely a start is killed as well. */
  readonly stillborn?: number;
  /** Nobody gives anything back or vanishes, so that the broker reads little and writes much. */
  readonly onlyAcks: boolean;
  /** How long the queues may take to drain at the end, in ms. */
  readonly drainMs: number;
  /** Starts on the same data every time. */
  readonly broker: KillableBroker;
  /** Called when the broker was killed for the last time. */
  readonly killed: () => Promise<void>;
  /** Called after each round with how many there have been. */
  readonly progress?: (rounds: number) => void;
}

const STILLBORN = 0.1;
/** When a start is killed, in ms: it takes about as long. */
const START_MS = 300;

export async function crashRun(options: CrashRunOptions): Promise<Verdict> {
  const { rounds, seed, loadMs, loadUntil, stillborn = STILLBORN, onlyAcks, drainMs, broker, killed, progress } = options;
  const random = new SeededRandom(seed);
  const door = new Door();
  const history: HistoryEvent[] = [];
  const stage = { random, door, history };
  const receiving = consumers(stage);
  const sending = publishers(stage);
  if (onlyAcks) for (const consumer of receiving) consumer.calm();
  await broker.start();
  let drained = false;
  try {
    await bindMembers(broker.url);
    const received = receiving.filter((consumer) => !consumer.isAway).map((consumer) => consumer.run());
    const sent = sending.map((publisher) => publisher.run());
    for (let round = 0; round < rounds; round++) {
      if (round > 0) {
        if (random.chance(stillborn)) await startAndKill(broker, random.between(0, START_MS));
        await broker.start();
      }
      door.open(broker.url);
      await pause(random.between(...loadMs));
      await loadUntil?.();
      door.shut();
      await broker.kill9();
      await door.emptied();
      history.push({ kind: 'crash' });
      progress?.(round + 1);
    }
    await killed();
    await broker.start();
    door.open(broker.url);
    for (const publisher of sending) publisher.stop();
    await bounded(Promise.all(sent), 'the last answers to the publishers');
    received.push(...receiving.filter((consumer) => consumer.isAway).map((consumer) => consumer.run()));
    drained = await drain(receiving, drainMs);
    for (const consumer of receiving) consumer.stop();
    await bounded(Promise.all(received), 'the end of the consumers');
    await broker.stop();
  } finally {
    door.shut();
    await broker.kill9();
  }
  return checkHistory(history, COMPETING, drained);
}

/** Kills it some time after it was started, ready or not. */
async function startAndKill(broker: KillableBroker, ms: number): Promise<void> {
  const started = broker.start().catch(() => undefined);
  await pause(ms);
  await broker.kill9();
  await started;
}

/** Before anything is published, so that every message to a room must reach all of its members. */
async function bindMembers(url: string): Promise<void> {
  for (const [client, filters] of Object.entries(MEMBERS)) {
    const member = await WireClient.connect(url, { client });
    for (const topic of filters) await member.subscribe({ topic });
    await member.close();
  }
}

/** Waits until two looks at all queues in a row find them empty, and nothing was delivered between the two; false if that never is. */
async function drain(receiving: readonly CrashConsumer[], drainMs: number): Promise<boolean> {
  for (const consumer of receiving) consumer.calm();
  const seen = (): number => receiving.reduce((sum, consumer) => sum + consumer.seen, 0);
  const until = performance.now() + drainMs;
  let quiet = 0;
  let before = seen();
  while (quiet < 2) {
    if (performance.now() > until) return false;
    const idle = await Promise.all(receiving.map((consumer) => consumer.isIdle()));
    quiet = idle.every(Boolean) && seen() === before ? quiet + 1 : 0;
    before = seen();
  }
  return true;
}

/** One line for the log. */
export function summary(verdict: Verdict, seed: number): string {
  const { tries, confirmed, refused, unknown, deliveries, redeliveries, lost, duplicated, reordered, crashes, violations } =
    verdict;
  return (
    `${crashes} crashes, ${tries} tries, ${confirmed} confirmed, ${refused} refused, ${unknown} unknown, ${deliveries} deliveries ` +
    `(${redeliveries} again), ${lost} lost, ${duplicated} duplicated, ${reordered} reordered, ${violations.length} violations, seed ${seed}`
  );
}
