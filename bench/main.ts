/**
 * `npm run bench`: the broker and the ceiling of its one thread, side by side. Every round measures each of them once, in turn,
 * so that a machine that grows slower or faster does so for all; medians and spreads are printed, as a table and as JSON lines.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startChild } from './lib/child.ts';
import { echoLoad } from './lib/echo-load.ts';
import { queueLoad } from './lib/queue-load.ts';

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
const WARM_UP_ROUNDS = 3;

interface Contender {
  readonly name: string;
  /** Messages per second. */
  readonly run: (round: number) => Promise<number>;
  readonly rates: number[];
}

const echo = await startChild(join(import.meta.dirname, 'lib/echo-server.ts'), []);
const data = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
const broker = await startChild(join(import.meta.dirname, '../bin/holdfast.js'), [
  'serve',
  '--port',
  '0',
  '--data',
  data,
  '--log-level',
  'warn',
]);

const queueOptions = { port: broker.port, messages, window: WINDOW, prefetch: WINDOW, body };
const contenders: readonly Contender[] = [
  { name: 'ceiling: ws + JSON echo, nothing stored', run: () => echoLoad(echo.port, messages, WINDOW, body), rates: [] },
  {
    name: 'S1 one object a frame',
    run: (round) => queueLoad({ ...queueOptions, queue: `single-${round}`, arrays: false }),
    rates: [],
  },
  {
    name: 'S1 arrays of frames',
    run: (round) => queueLoad({ ...queueOptions, queue: `arrays-${round}`, arrays: true }),
    rates: [],
  },
];

try {
  process.stdout.write(`${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown processor'}, Node ${process.versions.node}, `);
  process.stdout.write(
    `bodies of ${body.length} bytes, ${messages} messages a run, ${rounds} rounds after ${WARM_UP_ROUNDS} to warm up\n`,
  );
  for (let round = 0; round < WARM_UP_ROUNDS + rounds; round++) {
    for (const contender of contenders) {
      const rate = await contender.run(round);
      if (round >= WARM_UP_ROUNDS) contender.rates.push(rate);
    }
  }
  report();
} finally {
  await Promise.all([echo.stop(), broker.stop()]);
  rmSync(data, { recursive: true, force: true });
}

function report(): void {
  const ceiling = median(contenders[0]?.rates ?? []);
  const rows = contenders.map(({ name, rates }) => ({
    name,
    median: median(rates),
    min: Math.min(...rates),
    max: Math.max(...rates),
  }));
  for (const row of rows) {
    const ratio = (row.median / ceiling).toFixed(2);
    const cells = [
      row.name.padEnd(42),
      thousands(row.median).padStart(10),
      `(${thousands(row.min)} to ${thousands(row.max)})`.padEnd(24),
    ];
    process.stdout.write(`${cells.join('  ')}  ${ratio} of the ceiling\n`);
  }
  for (const row of rows)
    process.stdout.write(`${JSON.stringify({ scenario: row.name, messagesPerSecond: row, ofCeiling: row.median / ceiling })}\n`);
}

function median(rates: readonly number[]): number {
  const sorted = rates.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function thousands(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
