/**
 * `npm run bench`: the broker and the ceiling of its one thread, side by side. Every round measures each of them once, in turn,
 * so that a machine that grows slower or faster does so for all; medians and spreads are printed, as a table and as JSON lines.
 * Each has a server and a load generator of its own.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Child, type Driver, startChild, startDriver } from './lib/child.ts';
import type { Outcome, Run } from './lib/driver.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    messages: { type: 'string', default: '300000' },
    body: { type: 'string', default: '256' },
  },
});
const rounds = Number(values.rounds);
const messages = Number(values.messages);
const body = JSON.stringify('x'.repeat(Number(values.body) - 2));
const WINDOW = 1000;
/** A broker's code and heap take more than a million messages to settle. */
const WARM_UP_ROUNDS = 4;

const directory = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));

interface Contender {
  readonly name: string;
  readonly server: Child;
  readonly driver: Driver;
  readonly measure: (round: number) => Promise<Outcome & { readonly serverCpuMicroseconds: number }>;
  readonly outcomes: (Outcome & { readonly serverCpuMicroseconds: number })[];
}

async function contender(name: string, server: Child, runOf: (round: number) => Run): Promise<Contender> {
  const driver = await startDriver(join(import.meta.dirname, 'lib/driver.ts'));
  const measure: Contender['measure'] = async (round) => {
    const before = server.cpuSeconds();
    const outcome = await driver.run(runOf(round));
    return { ...outcome, serverCpuMicroseconds: ((server.cpuSeconds() - before) * 1e6) / messages };
  };
  return { name, server, driver, measure, outcomes: [] };
}

async function queueContender(name: string, arrays: boolean): Promise<Contender> {
  const data = join(directory, arrays ? 'arrays' : 'objects');
  const server = await startChild(join(import.meta.dirname, '../bin/holdfast.js'), [
    'serve',
    '--port',
    '0',
    '--data',
    data,
    '--log-level',
    'warn',
  ]);
  const load = { port: server.port, messages, window: WINDOW, prefetch: WINDOW, body, arrays };
  return contender(name, server, (round) => ({ kind: 'queue', queue: `bench-${round}`, ...load }));
}

async function echoContender(name: string): Promise<Contender> {
  const server = await startChild(join(import.meta.dirname, 'lib/echo-server.ts'), []);
  return contender(name, server, () => ({ kind: 'echo', port: server.port, messages, window: WINDOW, body }));
}

const contenders: readonly Contender[] = [
  await echoContender('ceiling: ws + JSON echo, nothing stored'),
  await queueContender('S1 one object a frame', false),
  await queueContender('S1 arrays of frames', true),
];

try {
  process.stdout.write(`${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown processor'}, Node ${process.versions.node}, `);
  process.stdout.write(
    `bodies of ${body.length} bytes, ${messages} messages a run, ${rounds} rounds after ${WARM_UP_ROUNDS} to warm up\n`,
  );
  for (let round = 0; round < WARM_UP_ROUNDS + rounds; round++) {
    for (const each of contenders) {
      const outcome = await each.measure(round);
      if (round >= WARM_UP_ROUNDS) each.outcomes.push(outcome);
    }
  }
  report();
} finally {
  for (const { driver } of contenders) driver.stop();
  await Promise.all(contenders.map(({ server }) => server.stop()));
  rmSync(directory, { recursive: true, force: true });
}

function report(): void {
  const rows = contenders.map(({ name, server, outcomes }) => {
    const rates = outcomes.map(({ messagesPerSecond }) => messagesPerSecond);
    return {
      scenario: name,
      messagesPerSecond: { median: median(rates), min: Math.min(...rates), max: Math.max(...rates) },
      serverCpuMicroseconds: median(outcomes.map(({ serverCpuMicroseconds }) => serverCpuMicroseconds)),
      driverCpuMicroseconds: median(outcomes.map(({ driverCpuMicroseconds }) => driverCpuMicroseconds)),
      peakMiB: server.peakMiB(),
    };
  });
  const ceiling = rows[0]?.messagesPerSecond.median ?? Number.NaN;
  for (const { scenario, messagesPerSecond: rate, serverCpuMicroseconds, driverCpuMicroseconds, peakMiB } of rows) {
    const spread = `(${thousands(rate.min)} to ${thousands(rate.max)})`;
    process.stdout.write(
      `${scenario.padEnd(40)} ${thousands(rate.median).padStart(8)}/s ${spread.padEnd(22)} ${(rate.median / ceiling).toFixed(2)} of the ceiling, ` +
        `CPU ${serverCpuMicroseconds.toFixed(1)} µs server, ${driverCpuMicroseconds.toFixed(1)} µs driver a message, ${Math.round(peakMiB)} MiB\n`,
    );
  }
  for (const row of rows)
    process.stdout.write(`${JSON.stringify({ ...row, ofCeiling: row.messagesPerSecond.median / ceiling })}\n`);
}

function median(of: readonly number[]): number {
  const sorted = of.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function thousands(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
