/**
 * `npm run prove`: runs the rigs and reports what they found. Exit code 0 when every promise was kept, 1 when one was broken or a
 * rig could not be run to its end, 2 when the command was not understood. A rig that can't run here is skipped, with the reason.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { isClean, markdown, type Outcome, type Report } from './lib/report.ts';
import type { Rig, RigOptions } from './lib/rig.ts';
import { rigs } from './rigs/index.ts';

const USAGE = `npm run prove -- [rig …] [options]

  --quick            a short run of each, as in CI
  --seed N           repeat the choices of a run
  --json FILE        write the report there as JSON
  --markdown FILE    write the report there as Markdown
  --list             name the rigs

Without a rig, all of them.`;

interface Command {
  readonly chosen: readonly Rig[];
  readonly quick: boolean;
  readonly seed: number;
  readonly json: string | undefined;
  readonly markdown: string | undefined;
  readonly only: 'list' | 'help' | undefined;
}

/** @throws with what is wrong and what there is instead. */
function understand(args: readonly string[]): Command {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      seed: { type: 'string' },
      json: { type: 'string' },
      markdown: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const known = rigs.map(({ id }) => id).join(', ');
  const chosen = positionals.map((id) => {
    const rig = rigs.find((each) => each.id === id);
    if (rig === undefined) throw new Error(`there is no rig ${id}; there are ${known}`);
    return rig;
  });
  const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`--seed ${values.seed ?? ''} is not a whole number from 0 on`);
  return {
    chosen: chosen.length === 0 ? rigs : chosen,
    quick: values.quick,
    seed,
    json: values.json,
    markdown: values.markdown,
    only: values.list ? 'list' : values.help ? 'help' : undefined,
  };
}

async function outcomeOf(rig: Rig, options: RigOptions): Promise<Outcome> {
  const { id, title } = rig;
  const skipped = rig.obstacle?.();
  if (skipped !== undefined) return { id, title, seconds: 0, skipped };
  const start = performance.now();
  const seconds = (): number => (performance.now() - start) / 1000;
  try {
    const findings = await rig.run(options);
    return { id, title, seconds: seconds(), findings };
  } catch (error) {
    return { id, title, seconds: seconds(), failed: error instanceof Error ? error.message : String(error) };
  }
}

function commitOf(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return 'unknown';
  }
}

function machine(): string {
  const [cpu] = cpus();
  return `${cpus().length} × ${cpu?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform}, Node ${process.versions.node}`;
}

async function main(): Promise<number> {
  let command: Command;
  try {
    command = understand(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`prove: ${error instanceof Error ? error.message : String(error)}\n\n${USAGE}\n`);
    return 2;
  }
  const { chosen, quick, seed, only } = command;
  if (only === 'help') process.stdout.write(`${USAGE}\n`);
  if (only === 'list') for (const { id, title } of rigs) process.stdout.write(`${id.padEnd(17)}${title}\n`);
  if (only !== undefined) return 0;
  const outcomes: Outcome[] = [];
  for (const rig of chosen) {
    process.stderr.write(`${rig.id}: ${rig.title}\n`);
    const say = (line: string): void => void process.stderr.write(`  ${line}\n`);
    outcomes.push(await outcomeOf(rig, { seed, quick, say }));
  }
  const report: Report = { commit: commitOf(), seed, quick, machine: machine(), outcomes };
  process.stdout.write(`\n${markdown(report)}`);
  if (command.json !== undefined) writeFileSync(command.json, `${JSON.stringify(report, undefined, 2)}\n`);
  if (command.markdown !== undefined) writeFileSync(command.markdown, markdown(report));
  return isClean(report) ? 0 : 1;
}

process.exitCode = await main();
