/** Publishers and consumers at a steady pace, each pair with a queue of its own: how long their messages take. */
import { setTimeout as pause } from 'node:timers/promises';
import { percentileOf } from '../../bench/lib/statistics.ts';
import { WireClient } from '../../test/support/wire-client.ts';

/** Between two messages of one pair, in ms. */
const PACE_MS = 50;
/** How long the last messages may take to come, in ms. */
const PATIENCE_MS = 10_000;

export class HealthyPairs {
  published = 0;
  /** Messages that came more than once. */
  duplicated = 0;
  readonly #clients: WireClient[] = [];
  readonly #senders: WireClient[] = [];
  /** When each message was published, by its body; gone when it came. */
  readonly #onTheirWay = new Map<string, number>();
  /** Of the messages that came since the last window began, in ms. */
  #latencies: number[] = [];
  #refused: Error | undefined;
  #timer: NodeJS.Timeout | undefined;

  static async start(url: string, count: number): Promise<HealthyPairs> {
    const pairs = new HealthyPairs();
    for (let pair = 0; pair < count; pair++) await pairs.#add(url, pair);
    // one pair after the other and not all at a time, so that they do not wait for each other
    let turn = 0;
    pairs.#timer = setInterval(() => pairs.#publish(turn++ % count), PACE_MS / count);
    return pairs;
  }

  /** How long the messages of the next so many ms take: all of them, in ms. */
  async latencies(windowMs: number): Promise<readonly number[]> {
    this.#latencies = [];
    await pause(windowMs);
    // what has not come yet took at least as long as it has been on its way
    const now = performance.now();
    return [...this.#latencies, ...[...this.#onTheirWay.values()].map((since) => now - since)];
  }

  /** Resolves with how many never came; rejects when a publish was refused. */
  async stop(): Promise<number> {
    this.close();
    const until = performance.now() + PATIENCE_MS;
    while (this.#onTheirWay.size > 0 && performance.now() < until) await pause(20);
    for (const client of this.#clients) client.terminate();
    if (this.#refused !== undefined) throw this.#refused;
    return this.#onTheirWay.size;
  }

  /** Publishes nothing more. */
  close(): void {
    clearInterval(this.#timer);
  }

  async #add(url: string, pair: number): Promise<void> {
    const consumer = await WireClient.connect(url, {
      client: `healthy-consumer-${pair}`,
      delivered: (delivery) => {
        this.#came(String(delivery.body));
        consumer.ask({ type: 'ack', ids: [delivery.id] }, () => undefined);
      },
    });
    await consumer.subscribe({ queue: `healthy-${pair}` });
    const sender = await WireClient.connect(url, { client: `healthy-publisher-${pair}` });
    this.#senders.push(sender);
    this.#clients.push(consumer, sender);
  }

  #publish(pair: number): void {
    const body = `${this.published++}`;
    this.#onTheirWay.set(body, performance.now());
    this.#senders[pair]?.askWithText({ type: 'publish', queue: `healthy-${pair}` }, { body }, (answer) => {
      if (answer instanceof Error) this.#refused = answer;
    });
  }

  #came(body: string): void {
    const since = this.#onTheirWay.get(body);
    if (since === undefined) {
      this.duplicated++;
      return;
    }
    this.#onTheirWay.delete(body);
    this.#latencies.push(performance.now() - since);
  }
}

export function p99(latencies: readonly number[]): number {
  return percentileOf(latencies, 0.99);
}
