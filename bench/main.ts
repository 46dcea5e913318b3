/**
 * `npm run bench`: Holdfast and, where asked for, its peers under the same loads. Every server and every load generator is a
 * process of its own; all of them, and their data, are gone when this ends, however it ends.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { chart } from './lib/chart.ts';
import { type Asked, readCommandLine, USAGE, UsageError } from './lib/command-line.ts';
import { withResults } from './lib/document.ts';
import { describeMachine, isInMemory, machineText } from './lib/machine.ts';
import { scenarioReport, sittingsText } from './lib/report.ts';
import { appendResults, readResults, type ResultLine, resultLines, type Sitting } from './lib/result.ts';
import { runScenario } from './lib/runner.ts';
import type { BenchOptions, Scenario } from './lib/scenario.ts';
import { scenarios } from './scenarios/index.ts';
import { peerSystems, peerNames } from './systems/index.ts';

/** Of `--quick`. */
const QUICK_SCALE = 0.02;
const PAGE = new URL('../docs/benchmarks.md', import.meta.url);
const DRAWING = new URL('../docs/benchmarks.svg', import.meta.url);

/** Of servers' data, which one that was killed a moment ago may still be changing. */
const REMOVED = { recursive: true, force: true, maxRetries: 20, retryDelay: 50 } as const;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  try {
    const asked = readCommandLine(args, scenarios, peerNames);
    if (asked.help) print(USAGE);
    else if (asked.list) print(list());
    else if (asked.from === undefined) return await measure(asked);
    else show(asked, readResults(asked.from));
    return 0;
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

function list(): string {
  const all = scenarios.map(({ id, title, unit }) => `${id.padEnd(4)} ${title}, ${unit}`);
  return `${all.join('\n')}\npeers: ${peerNames.join(', ')}\n`;
}

/** Returns the exit code: 1 if anybody failed. */
async function measure(asked: Asked): Promise<number> {
  const peers = peerSystems(asked.peers);
  const directory = mkdtempSync(join(asked.directory ?? tmpdir(), 'holdfast-bench-'));
  process.once('exit', () => rmSync(directory, REMOVED));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => process.exit(128 + constants.signals[signal]));

  const machine = describeMachine(directory);
  print(`${machineText(machine)}\n`);
  if (isInMemory(machine)) tell(`${directory} is in memory, where fsync costs nothing: name a disk with --directory`);
  const scale = asked.quick ? QUICK_SCALE : 1;
  const sitting: Sitting = { startedAt: new Date().toISOString(), scale, machine };
  const options: BenchOptions = { peers, scale, bodyFiles: asked.bodyFiles, directory };
  const all: ResultLine[] = [];
  for (const scenario of asked.scenarios) {
    const lines = await measureScenario(scenario, asked, options, sitting);
    all.push(...lines);
    print(sectionText(scenario, lines));
    if (asked.json !== undefined) appendResults(asked.json, lines);
  }
  if (asked.doc) writeDocument(asked.json === undefined ? all : readResults(asked.json));
  return all.some(({ failure }) => failure !== undefined) ? 1 : 0;
}

async function measureScenario(
  scenario: Scenario,
  asked: Asked,
  options: BenchOptions,
  sitting: Sitting,
): Promise<readonly ResultLine[]> {
  const directory = mkdtempSync(join(options.directory, `${scenario.id}-`));
  const rounds = {
    warmUp: asked.quick ? 0 : scenario.warmUpRounds,
    counted: asked.rounds ?? (asked.quick ? 1 : scenario.rounds),
  };
  const contenders = scenario.contenders({ ...options, directory });
  tell(`${scenario.id}: ${scenario.title}`);
  const measured = await runScenario(scenario, contenders, rounds, (line) => tell(`  ${line}`));
  rmSync(directory, REMOVED);
  return resultLines(scenario, rounds, measured, sitting);
}

function show(asked: Asked, lines: readonly ResultLine[]): void {
  print(`${sittingsText(lines)}\n`);
  for (const scenario of asked.scenarios) {
    const own = lines.filter((line) => line.scenario === scenario.id);
    if (own.length > 0) print(sectionText(scenario, own));
  }
  if (asked.doc) writeDocument(lines);
}

function sectionText(scenario: Scenario, lines: readonly ResultLine[]): string {
  return `\n${scenario.id.toUpperCase()}: ${scenario.title}\n\n${scenarioReport(scenario, lines)}\n`;
}

function writeDocument(lines: readonly ResultLine[]): void {
  writeFileSync(PAGE, withResults(readFileSync(PAGE, 'utf8'), scenarios, lines));
  writeFileSync(DRAWING, chart(scenarios, lines));
}

function print(text: string): void {
  process.stdout.write(text);
}

/** News while it runs: no part of the results. */
function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}
