/**
 * A data directory with messages of every kind, in the database and in its log, as a killed broker leaves it; and what its clients
 * know of it.
 */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DATABASE_FILE } from '../../src/serve.ts';
import { BrokerProcess } from '../../test/support/broker-process.ts';
import type { SeededRandom } from '../../test/support/seeded-random.ts';
import { type Delivery, WireClient } from '../../test/support/wire-client.ts';
import type { FlipTask } from '../rigs/bit-flips-worker.ts';

const MEMBERS = ['@ann', '@ben', '@cid', '@dee'];
const QUEUES = ['big', 'small', 'rows', 'delayed', ...MEMBERS];
const HOUR_MS = 3_600_000;

/** How much is published in a part: there is one that ends up in the database, and one that stays in the log. */
interface Part {
  readonly together: number;
  readonly alone: number;
}

const PARTS: readonly Part[] = [
  { together: 400, alone: 60 },
  { together: 120, alone: 25 },
];

export class RottingData {
  /** By queue, then by id: a hash of the body. */
  readonly published = new Map<string, Map<string, string>>(QUEUES.map((queue) => [queue, new Map<string, string>()]));
  /** The database. */
  readonly original: string;
  readonly #copy: string;
  readonly #directory = mkdtempSync(join(tmpdir(), 'holdfast-prove-'));
  readonly #random: SeededRandom;

  static async make(random: SeededRandom): Promise<RottingData> {
    const data = new RottingData(random);
    const broker = new BrokerProcess([], {});
    try {
      for (const [n, part] of PARTS.entries()) {
        if (n > 0) await broker.stop();
        await broker.start();
        await data.#fill(broker.url, part);
      }
      await broker.kill9();
      for (const end of ['', '-wal']) copyFileSync(join(broker.dataDir, DATABASE_FILE + end), data.original + end);
    } finally {
      await broker.dispose();
    }
    return data;
  }

  private constructor(random: SeededRandom) {
    this.#random = random;
    for (const name of ['original', 'copy']) mkdirSync(join(this.#directory, name));
    this.original = join(this.#directory, 'original', DATABASE_FILE);
    this.#copy = join(this.#directory, 'copy', DATABASE_FILE);
  }

  /** To open a copy as it is. */
  get task(): FlipTask {
    return { original: this.original, copy: this.#copy, queues: QUEUES };
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** When it resolves, every answer is there, and the last one was that to an acknowledgement. */
  async #fill(url: string, { together, alone }: Part): Promise<void> {
    const members = await Promise.all(MEMBERS.map((inbox) => WireClient.connect(url, { client: inbox.slice(1) })));
    for (const member of members) await member.subscribe({ topic: 'room.*', prefetch: 3 });
    const client = await WireClient.connect(url, { client: 'filler' });
    await Promise.all(Array.from({ length: together }, () => this.#publish(client, 'big', this.#random.between(20, 3000))));
    await Promise.all(Array.from({ length: together }, () => this.#publish(client, 'small', this.#random.between(2, 60))));
    for (let i = 0; i < alone; i++) {
      await this.#publish(client, 'rows', this.#random.between(2, 6000), {
        headers: { n: String(i), tag: 'größer' },
        correlation: `c${i}`,
      });
      await this.#publish(client, 'delayed', 200, { delay: HOUR_MS + i });
      await this.#publishToRoom(client, this.#random.between(2, 3000));
    }
    for (const queue of ['big', 'small', 'rows']) await this.#consume(client, queue, Math.floor(alone / 2));
    const [ann] = members;
    const [first] = ann === undefined ? [] : await ann.take(1);
    if (ann !== undefined && first !== undefined) await this.#ack(ann, first);
  }

  async #publish(client: WireClient, queue: string, length: number, more: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const body = this.#body(length);
    const { id } = await client.publishText({ queue, ...more }, body);
    this.#remember(queue, id, body);
  }

  async #publishToRoom(client: WireClient, length: number): Promise<void> {
    const body = this.#body(length);
    const { id } = await client.publishText({ topic: 'room.lobby' }, body);
    for (const inbox of MEMBERS) this.#remember(inbox, id, body);
  }

  /** Settles every other one of some, gives others back, now and later, and leaves the rest unanswered. */
  async #consume(client: WireClient, queue: string, count: number): Promise<void> {
    await client.subscribe({ queue, prefetch: count });
    for (const [i, delivery] of (await client.take(count)).entries()) {
      if (i % 2 === 0) await this.#ack(client, delivery);
      else if (i % 4 === 1) await client.request({ type: 'nack', ids: [delivery.id], delay: HOUR_MS });
    }
  }

  async #ack(client: WireClient, delivery: Delivery): Promise<void> {
    await client.ack(delivery);
    this.published.get(delivery.queue)?.delete(delivery.id);
  }

  #remember(queue: string, id: unknown, body: string): void {
    this.published.get(queue)?.set(String(id), bodyDigest(body));
  }

  #body(length: number): string {
    const letters = Array.from({ length }, () => String.fromCharCode(this.#random.between(97, 122)));
    return JSON.stringify(letters.join(''));
  }
}

/** As the process has it that reads them back. */
function bodyDigest(body: string): string {
  return createHash('sha256')
    .update(String(Buffer.byteLength(body)))
    .update(body)
    .digest('base64')
    .slice(0, 22);
}
