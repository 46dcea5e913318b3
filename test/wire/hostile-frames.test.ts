import { expect, it } from 'vitest';
import { ERRORS } from '../../src/broker/errors.ts';
import { type HostileFrame, hostileFrame } from '../support/hostile-frames.ts';
import { failOnLeaks } from '../support/leak-check.ts';
import { LiveBroker } from '../support/live-broker.ts';
import type { RawClient } from '../support/raw-client.ts';
import { SeededRandom } from '../support/seeded-random.ts';

failOnLeaks();

const COUNT = Number(process.env['HOSTILE_COUNT'] ?? 100_000);
/** A failure prints it: set it to see the same frames again. */
const SEED = Number(process.env['HOSTILE_SEED'] ?? Date.now() % 1_000_000_000);
const CONNECTIONS = 6;
const WINDOW = 64;
const FRAME_BYTES_MAX = 64 * 1024;
const CLOSE_CODES = [1009, 4103];

interface Answer {
  readonly type: string;
  readonly ref?: unknown;
  readonly code?: string;
}

/** Sends its frames, each with a ping behind it, so that what comes before the pong is the answer to the frame. */
class Attacker {
  errors = 0;
  closes = 0;
  readonly #broker: LiveBroker;
  readonly #frames: readonly HostileFrame[];
  readonly #name: string;

  constructor(broker: LiveBroker, frames: readonly HostileFrame[], name: string) {
    this.#broker = broker;
    this.#frames = frames;
    this.#name = name;
  }

  async run(): Promise<void> {
    let next = 0;
    while (next < this.#frames.length) {
      const client = await this.#broker.connect(`/?client=${this.#name}`);
      next = await this.#attack(client, next);
      client.terminate();
    }
  }

  /** Until the connection ends; returns the frame to go on with. */
  async #attack(client: RawClient, from: number): Promise<number> {
    let sent = from;
    let codes: string[] = [];
    for (let at = from; at < this.#frames.length; ) {
      for (; sent < Math.min(at + WINDOW, this.#frames.length); sent++) {
        client.send(this.#frames[sent]?.data ?? '');
        client.send(`{"type":"ping","ref":"sentinel-${sent}"}`);
      }
      const frame = await client.nextFrame();
      if (frame === undefined) return this.#ended(at, sent, codes, await client.closed);
      const answer = parse(frame);
      if (answer.type === 'error') codes.push(answer.code ?? '');
      if (answer.ref !== `sentinel-${at}`) continue;
      this.#judge(at, codes);
      codes = [];
      at++;
    }
    return sent;
  }

  #judge(at: number, codes: readonly string[]): void {
    const { data, verdict } = this.#frames[at] ?? { data: '', verdict: 'open' };
    const shown = `${data.toString().slice(0, 200)} → ${codes.join(', ')}`;
    for (const code of codes) if (!Object.hasOwn(ERRORS, code)) throw new Error(`an error without a known code: ${shown}`);
    if (verdict === 'closes') throw new Error(`not a frame, and the connection stayed: ${shown}`);
    if (verdict !== 'open' && !codes.includes(verdict)) throw new Error(`should be ${verdict}: ${shown}`);
    this.errors += codes.length;
  }

  #ended(from: number, sent: number, codes: readonly string[], closeCode: number): number {
    // what the WebSocket itself refuses ends the connection at once, also what was received before it and had to wait
    const isRefusedByWebSocket = closeCode !== 4103;
    let at = from;
    while (isRefusedByWebSocket && at < sent && Buffer.byteLength(this.#frames[at]?.data ?? '') <= FRAME_BYTES_MAX) at++;
    const { data, verdict } = this.#frames[at] ?? { data: '', verdict: 'open' };
    const shown = `${data.toString().slice(0, 200)} → ${codes.join(', ')}, close ${closeCode}`;
    if (verdict !== 'closes') throw new Error(`a frame, and the connection ended: ${shown}`);
    if (!CLOSE_CODES.includes(closeCode)) throw new Error(`closed with another code: ${shown}`);
    if (closeCode === 4103 && !codes.includes('bad_frame')) throw new Error(`closed without an error: ${shown}`);
    this.closes++;
    return at + 1;
  }
}

function parse(frame: string | Buffer): Answer {
  const text = typeof frame === 'string' ? frame : frame.toString('utf8', 0, frame.indexOf(0x0a));
  return JSON.parse(text) as Answer;
}

/** Publishes, consumes and acknowledges one message after the other until it is told to stop. */
async function behaveWell(broker: LiveBroker, over: () => boolean): Promise<{ rounds: number; slowestMs: number }> {
  const client = await broker.connect('/?client=well-behaved');
  await client.ask({ type: 'subscribe', queue: 'undisturbed' });
  let slowestMs = 0;
  let rounds = 0;
  for (; !over(); rounds++) {
    const began = performance.now();
    client.send(JSON.stringify({ type: 'publish', queue: 'undisturbed', body: rounds }));
    const message = await client.nextOf('message');
    expect(message).toMatchObject({ queue: 'undisturbed', attempt: 1, body: rounds });
    expect(await client.ask({ type: 'ack', id: message['id'] })).toMatchObject({ type: 'ok', count: 1 });
    slowestMs = Math.max(slowestMs, performance.now() - began);
  }
  return { rounds, slowestMs };
}

it(`stands ${COUNT} hostile frames: a named error for each bad one, and nobody else is disturbed`, async () => {
  const broker = await LiveBroker.start({
    sqlite: true,
    limits: { frameBytesMax: FRAME_BYTES_MAX, helloBytesMax: FRAME_BYTES_MAX },
  });
  const random = new SeededRandom(SEED);
  const frames = Array.from({ length: COUNT }, () => hostileFrame(random, FRAME_BYTES_MAX));
  const share = Math.ceil(COUNT / CONNECTIONS);
  const attackers = Array.from(
    { length: CONNECTIONS },
    (_, n) => new Attacker(broker, frames.slice(n * share, (n + 1) * share), `hostile-${n}`),
  );
  let over = false;
  const good = behaveWell(broker, () => over);
  try {
    await Promise.race([Promise.all(attackers.map((attacker) => attacker.run())), good]);
  } catch (error) {
    throw new Error(`HOSTILE_SEED=${SEED}: ${String(error)}`, { cause: error });
  } finally {
    over = true;
  }
  const { rounds, slowestMs } = await good;
  expect(broker.failures).toEqual([]);
  expect(rounds).toBeGreaterThan(COUNT / 1000);
  expect(slowestMs).toBeLessThan(2000);
  expect(attackers.reduce((sum, { errors }) => sum + errors, 0)).toBeGreaterThan(COUNT / 2);
  if (process.env['HOSTILE_SHOW'] !== undefined)
    process.stderr.write(
      `${rounds} undisturbed rounds, slowest ${slowestMs.toFixed(0)} ms, ` +
        `${attackers.reduce((sum, { errors }) => sum + errors, 0)} errors, ${attackers.reduce((sum, { closes }) => sum + closes, 0)} closes\n`,
    );
}, 120_000);
