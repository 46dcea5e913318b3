/**
 * A load generator as a process of its own: takes one run after the other as JSON lines on stdin and answers each with one on
 * stdout, after the marks that the load makes on its way. One process for each contender, so that none runs on code that
 * another one has shaped. Ends with its stdin.
 */
import { createInterface } from 'node:readline';
import { loads, type Run } from '../loads/index.ts';
import { protocolNamed } from '../protocols/index.ts';
import type { Load, LoadResult, Marks } from './load.ts';

/** What a driver prints. `mark` waits for a line, whatever it says; `error` is the last line of a driver. */
export type DriverLine = { readonly mark: string } | { readonly outcome: Outcome } | { readonly error: string };

export interface Outcome extends LoadResult {
  /** The driver's own, user and system, from the load's `begin` on. */
  readonly driverCpuSeconds: number;
}

/** The mark that the bench takes for the beginning of what counts. */
export const BEGIN = 'begin';

if (import.meta.main) {
  process.on('uncaughtException', fail);
  await serve();
}

async function serve(): Promise<void> {
  let going: (() => void) | undefined;
  for await (const line of createInterface({ input: process.stdin })) {
    if (going === undefined) {
      const answer = (mark: string): Promise<void> =>
        new Promise((resolve) => {
          going = () => {
            going = undefined;
            resolve();
          };
          print({ mark });
        });
      run(JSON.parse(line) as Run, answer).then((outcome) => print({ outcome }), fail);
    } else going();
  }
  process.exit();
}

async function run(line: Run, mark: (name: string) => Promise<void>): Promise<Outcome> {
  let before = process.cpuUsage();
  const marks: Marks = {
    async begin() {
      await mark(BEGIN);
      before = process.cpuUsage();
    },
    reached: mark,
  };
  const load = loads[line.load] as Load<Run>;
  const result = await load(protocolNamed(line.protocol), line, marks);
  const used = process.cpuUsage(before);
  return { ...result, driverCpuSeconds: (used.user + used.system) / 1e6 };
}

function print(line: DriverLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** Nothing of a run that failed is to be trusted any more, least of all its sockets: the process ends. */
function fail(error: unknown): void {
  const line: DriverLine = { error: error instanceof Error ? error.message : String(error) };
  process.stdout.write(`${JSON.stringify(line)}\n`, () => process.exit(1));
}
