/** What `npm run bench -- …` was asked for. */
import { parseArgs } from 'node:util';
import type { Scenario } from './scenario.ts';

export interface Asked {
  /** In the order in which they run. */
  readonly scenarios: readonly Scenario[];
  /** Names of peers; `all` stands for those that are found. */
  readonly peers: readonly string[] | 'all';
  readonly quick: boolean;
  /** Counted ones; each scenario's own number if undefined. */
  readonly rounds: number | undefined;
  readonly bodyFiles: readonly string[];
  /** Where the servers' directories are made; the system's directory for temporary files if undefined. */
  readonly directory: string | undefined;
  /** JSON lines are added to this file. */
  readonly json: string | undefined;
  /** Nothing is run: the results are those of this file. */
  readonly from: string | undefined;
  readonly doc: boolean;
  readonly list: boolean;
  readonly help: boolean;
}

/** One line that says what is wrong, and what would be right. */
export class UsageError extends Error {}

export const USAGE = `npm run bench -- [SCENARIO …] [OPTION …]     all scenarios, on Holdfast alone, if nothing is said

  --peers [NAME,…]    also these peers, or all that are found
  --quick             small numbers and one round: does it work?
  --rounds N          rounds that count, instead of each scenario's own number
  --bodies FILE,…     NDJSON files whose lines are the bodies of the scenario with real ones
  --directory DIR     where the servers keep their data while they run
  --json FILE         adds a JSON line for each contender to this file
  --from FILE         runs nothing, shows what is in such a file: of each scenario the last sitting
  --doc               writes the results into docs/benchmarks.md and docs/benchmarks.svg
  --list              what there is
  --help              this
`;

const OPTIONS = {
  peers: { type: 'string' },
  quick: { type: 'boolean' },
  rounds: { type: 'string' },
  bodies: { type: 'string' },
  directory: { type: 'string' },
  json: { type: 'string' },
  from: { type: 'string' },
  doc: { type: 'boolean' },
  list: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

/** @throws UsageError */
export function readCommandLine(args: readonly string[], scenarios: readonly Scenario[], peerNames: readonly string[]): Asked {
  const { values, positionals } = parsed(withPeersValue(args, scenarios));
  return {
    scenarios: chosen(positionals, scenarios),
    peers: peersOf(values.peers, peerNames),
    quick: values.quick ?? false,
    rounds: roundsOf(values.rounds),
    bodyFiles: listOf(values.bodies),
    directory: values.directory,
    json: values.json,
    from: values.from,
    doc: values.doc ?? false,
    list: values.list ?? false,
    help: values.help ?? false,
  };
}

function parsed(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS, allowPositionals: true });
  } catch (cause) {
    const known = Object.keys(OPTIONS).map((name) => `--${name}`);
    const [said] = (cause as Error).message.split(/[.\n]/, 1);
    throw new UsageError(`${said}; the options are ${known.join(', ')}`, { cause });
  }
}

/** `--peers` may stand alone, also before a scenario. */
function withPeersValue(args: readonly string[], scenarios: readonly Scenario[]): string[] {
  const alone = args.findIndex((arg, i) => {
    const next = args[i + 1];
    return arg === '--peers' && (next === undefined || next.startsWith('-') || scenarios.some(({ id }) => id === next));
  });
  return alone < 0 ? [...args] : args.with(alone, '--peers=all');
}

function chosen(ids: readonly string[], scenarios: readonly Scenario[]): readonly Scenario[] {
  const wanted = ids.map((id) => id.toLowerCase());
  for (const id of wanted)
    if (!scenarios.some((scenario) => scenario.id === id))
      throw new UsageError(`there is no scenario ${id}; there are ${scenarios.map((scenario) => scenario.id).join(', ')}`);
  return wanted.length === 0 ? scenarios : scenarios.filter(({ id }) => wanted.includes(id));
}

function peersOf(value: string | undefined, names: readonly string[]): readonly string[] | 'all' {
  if (value === 'all') return 'all';
  const wanted = listOf(value);
  for (const name of wanted)
    if (!names.includes(name)) throw new UsageError(`there is no peer ${name}; there are ${names.join(', ')}`);
  return wanted;
}

function roundsOf(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^[1-9]\d{0,3}$/.test(value)) throw new UsageError(`--rounds must be a number from 1 to 9999, not ${value}`);
  return Number(value);
}

function listOf(value = ''): readonly string[] {
  return value.split(',').filter((part) => part !== '');
}
