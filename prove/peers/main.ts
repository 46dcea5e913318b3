/**
 * `npm run prove:peers`: the power-cut rig run on other brokers, and on Holdfast beside them. Not a rig of `npm run prove`, since
 * what it finds says nothing of Holdfast and it needs what few machines have; CI does not run it. A peer whose command is not found
 * is skipped and named. Exit code 0, or 1 if Holdfast lost something or rounds could not be run, 2 for a command not understood.
 */
import { writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { noPowerCut } from '../lib/loop-mount.ts';
import { peersTable, type Row } from './peers-table.ts';
import { powerCutRounds } from './power-cut-rounds.ts';
import { type Setting, settings, settingsNamed } from './settings.ts';

const USAGE = `npm run prove:peers -- [setting …] [options]

  --rounds N         power cuts of each; 20 if not given
  --seed N           repeat the choices of a run
  --json FILE        write what was counted there as JSON
  --list             name the settings

Without a setting, all of them whose command is found.`;

interface Command {
  readonly chosen: readonly Setting[];
  readonly rounds: number;
  readonly seed: number;
  readonly json: string | undefined;
  readonly only: 'list' | 'help' | undefined;
}

const ROUNDS = 20;

/** @throws with what is wrong and what there is instead. */
function understand(args: readonly string[]): Command {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      seed: { type: 'string' },
      json: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  return {
    chosen: settingsNamed(positionals),
    rounds: wholeNumber('--rounds', values.rounds, 1) ?? ROUNDS,
    seed: wholeNumber('--seed', values.seed, 0) ?? Date.now() % 1_000_000,
    json: values.json,
    only: values.list ? 'list' : values.help ? 'help' : undefined,
  };
}

function wholeNumber(option: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < least)
    throw new Error(`${option} ${text} is not a whole number from ${least} on`);
  return number;
}

async function rowOf(setting: Setting, { rounds, seed }: Command): Promise<Row> {
  const start = setting.find();
  if (start === undefined) {
    tell(`${setting.id}: skipped, there is no ${setting.from}`);
    return { setting, skipped: `no ${setting.from}` };
  }
  tell(`${setting.id}: ${setting.product} ${setting.title}`);
  try {
    return { setting, tally: await powerCutRounds(setting, start, { rounds, seed, say: (line) => tell(`  ${line}`) }) };
  } catch (error) {
    const failed = error instanceof Error ? error.message : String(error);
    tell(`  failed: ${failed}`);
    return { setting, failed: failed.split('\n')[0] ?? '' };
  }
}

/** Peers may lose what they like. */
function isClean(rows: readonly Row[]): boolean {
  return rows.every(
    ({ setting, tally, failed }) => failed === undefined && (setting.product !== 'Holdfast' || tally?.lost === 0),
  );
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function main(): Promise<number> {
  let command: Command;
  try {
    command = understand(process.argv.slice(2));
  } catch (error) {
    tell(`prove:peers: ${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
  const { chosen, rounds, seed, json, only } = command;
  if (only === 'help') process.stdout.write(`${USAGE}\n`);
  if (only === 'list')
    for (const { id, product, title } of settings) process.stdout.write(`${id.padEnd(17)}${product} ${title}\n`);
  if (only !== undefined) return 0;
  const obstacle = noPowerCut('ext4');
  if (obstacle !== undefined) {
    tell(`skipped: ${obstacle}`);
    return 0;
  }
  // so that servers and mounts end with the process
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => process.exit(128 + constants.signals[signal]));
  const rows: Row[] = [];
  for (const setting of chosen) rows.push(await rowOf(setting, command));
  process.stdout.write(`\n${rounds} rounds, seed ${seed}, ${new Date().toISOString().slice(0, 10)}.\n\n${peersTable(rows)}\n`);
  for (const { setting, tally } of rows)
    for (const failure of tally?.failures ?? []) process.stdout.write(`\n${setting.id}, ${failure}\n`);
  if (json !== undefined) writeFileSync(json, `${JSON.stringify({ rounds, seed, rows }, undefined, 2)}\n`);
  return isClean(rows) ? 0 : 1;
}

process.exitCode = await main();
