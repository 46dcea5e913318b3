/**
 * Input as it is found in the world, published through the command line to a queue and to a room of 100, half of them away, with the
 * broker killed half-way: every body arrives byte for byte, in order, at everybody's inbox. REAL_INPUT may name files with a JSON
 * text a line, separated by commas, to be used instead of lines that are made up.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { type BrokerProcess, cleanEnvironment, ENTRY } from '../support/broker-process.ts';
import { startBroker } from '../support/start-broker.ts';
import { bounded } from '../support/wire-client.ts';
import { InboxReader } from './inbox-reader.ts';
import { generatedLines, linesOf } from './input-lines.ts';
import { crashAndRestart } from './stage.ts';

const FILES = process.env['REAL_INPUT']?.split(',') ?? [];
const MEMBERS = 100;
const TOPIC = 'room.everybody';
const SLOW_MS = 60_000;

/** `holdfast publish`, with its stdin held open. */
class PublishCommand {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown[]>;
  #said = '';

  constructor(broker: BrokerProcess, args: readonly string[]) {
    const stdio = ['pipe', 'pipe', 'pipe'] as const;
    this.#child = spawn(process.execPath, [ENTRY, 'publish', ...args, '--url', broker.url], {
      env: cleanEnvironment(),
      stdio: [...stdio],
    });
    this.#ended = once(this.#child, 'close');
    onTestFinished(() => void this.#child.kill('SIGKILL'));
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream?.on('data', (chunk) => (this.#said += String(chunk)));
  }

  write(lines: readonly string[]): void {
    this.#child.stdin?.write(lines.map((line) => `${line}\n`).join(''));
  }

  /** What it printed; rejects if it does not end well. */
  async end(): Promise<string> {
    this.#child.stdin?.end();
    const [code] = await bounded(this.#ended, 'the end of the publisher', SLOW_MS);
    if (code !== 0) throw new Error(`the publisher ended with ${String(code)}: ${this.#said}`);
    return this.#said;
  }
}

test(
  'real input reaches a queue and a room of 100, half of them away, byte for byte and in order, though the broker is killed half-way',
  async () => {
    const lines = FILES.length > 0 ? linesOf(FILES) : generatedLines(200, 1);
    const half = Math.floor(lines.length / 2);
    const broker = await startBroker();
    const worker = new InboxReader('worker', { queue: 'events', prefetch: 500 });
    const members = Array.from({ length: MEMBERS }, (_, i) => new InboxReader(`member-${i}`, { topic: TOPIC, prefetch: 500 }));
    const [present, away] = [members.slice(0, MEMBERS / 2), members.slice(MEMBERS / 2)];
    for (const member of members) await member.connect(broker);
    for (const member of away) await member.leave();

    const publishers = [new PublishCommand(broker, ['events']), new PublishCommand(broker, ['--topic', TOPIC])];
    for (const publisher of publishers) publisher.write(lines.slice(0, half));
    await Promise.all(present.map((member) => member.has(Math.ceil(half / 2), SLOW_MS)));
    for (const publisher of publishers) publisher.write(lines.slice(half));
    await crashAndRestart(broker);

    await worker.connect(broker);
    for (const member of members) await member.connect(broker);
    for (const publisher of publishers) expect(await publisher.end()).toContain(`published ${lines.length} messages`);
    const readers = [worker, ...members];
    await Promise.all(readers.map((reader) => reader.has(lines.length, SLOW_MS)));

    for (const reader of readers) {
      // as strings of characters: the lines are UTF-8, so equal strings are equal bytes
      expect(reader.firsts().map(({ body }) => body)).toEqual(lines);
      expect(reader.unannounced()).toEqual([]);
      expect(await reader.waiting()).toBe(0);
    }
    const ids = new Set(readers.flatMap((reader) => reader.given.map(({ id }) => id)));
    expect(ids.size).toBe(2 * lines.length);
    for (const member of members) expect(member.firsts().map(({ id }) => id)).toEqual(members[0]?.firsts().map(({ id }) => id));
    const given = readers.reduce((sum, reader) => sum + reader.given.length, 0);
    process.stderr.write(
      `real input: ${lines.length} lines, ${Buffer.byteLength(lines.join(''))} bytes, ${readers.length} queues, ${given} deliveries, ` +
        `${given - readers.length * lines.length} of them again, ${ids.size} ids\n`,
    );
  },
  2 * SLOW_MS,
);
