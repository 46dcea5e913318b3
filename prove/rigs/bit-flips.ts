/**
 * One bit of what a killed broker left on the disk is another than it was written. Whatever that hits, nothing wrong may be given
 * out, and nothing may be missing that nobody reports.
 */
import { readFileSync, statSync } from 'node:fs';
import { UNSYNCED_MAX } from '../../src/store/sqlite/wal-sync.ts';
import { SeededRandom } from '../../test/support/seeded-random.ts';
import { FlipProcess } from '../lib/flip-process.ts';
import { type Findings, NOTHING_FOUND, type Rig } from '../lib/rig.ts';
import { RottingData } from '../lib/rotting-data.ts';
import type { FlipResult, FlipTask, Served } from './bit-flips-worker.ts';

const FLIPS = 1000;
const FLIPS_QUICK = 40;
const PROGRESS_EVERY = 100;
const PAGE_BYTES = 8192;
const LOG_HEADER_BYTES = 32;
const FRAME_BYTES = PAGE_BYTES + 24;
/** Where pages and frames say what is in them. */
const HEAD_BYTES = 64;

export const bitFlips: Rig = {
  id: 'bit-flips',
  title: `${FLIPS.toLocaleString('en-US')} flipped bits in a database and its log`,
  description:
    'A broker takes messages of every kind, settles and gives back some, and is killed. Then, again and again, one bit of a copy of ' +
    'its database or log is flipped, and the copy is checked and drained. What comes out must be what was published. What does not ' +
    'must be reported, by the start, by a read, or by the check; but for the last transactions of the log.',
  run: ({ seed, quick, say }) => bitFlipFindings({ seed, flips: quick ? FLIPS_QUICK : FLIPS, say }),
};

interface FlipPlan {
  readonly seed: number;
  readonly flips: number;
  readonly say: (line: string) => void;
  /** For the process that opens the copies. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Stops at the first violation. */
  readonly untilFound?: boolean;
}

export async function bitFlipFindings({ seed, flips, say, environment, untilFound = false }: FlipPlan): Promise<Findings> {
  const random = new SeededRandom(seed);
  const data = await RottingData.make(random);
  const opener = new FlipProcess(environment);
  try {
    const judge = await Judge.of(data, opener);
    for (let n = 1; n <= flips && !(untilFound && judge.violations.length > 0); n++) {
      const flip = chooseFlip(random, data.original);
      judge.judge(flip, await opener.run({ ...data.task, flip }));
      if (n % PROGRESS_EVERY === 0) say(`${n} of ${flips} flips`);
    }
    return {
      ...NOTHING_FOUND,
      tries: judge.messages,
      confirmed: judge.messages,
      lost: 0,
      violations: judge.violations,
      details: judge.counts,
    };
  } finally {
    await opener.end();
    data.remove();
  }
}

type Flip = NonNullable<FlipTask['flip']>;

/** Anywhere, and as often where a page or a frame begins. */
function chooseFlip(random: SeededRandom, original: string): Flip {
  const file = random.chance(0.5) ? 'database' : 'log';
  const size = statSync(file === 'log' ? `${original}-wal` : original).size;
  const unit = file === 'log' ? FRAME_BYTES : PAGE_BYTES;
  const anywhere = random.between(0, size - 1);
  const head =
    Math.floor(anywhere / unit) * unit +
    (file === 'log' ? random.pick([0, LOG_HEADER_BYTES]) : 0) +
    random.between(0, HEAD_BYTES - 1);
  return { file, offset: Math.min(random.chance(0.5) ? anywhere : head, size - 1), bit: random.between(0, 7) };
}

interface Transaction {
  readonly from: number;
  readonly to: number;
}

/** The log's last transactions, the latest first, by the marks in its frames: each was written by one run, from the front. */
function lastTransactions(log: Buffer, count: number): Transaction[] {
  const ends = [LOG_HEADER_BYTES];
  for (let at = LOG_HEADER_BYTES; at + FRAME_BYTES <= log.length; at += FRAME_BYTES) {
    if (log.readUInt32BE(at + 4) !== 0) ends.push(at + FRAME_BYTES);
  }
  if (ends.at(-1) !== log.length) throw new Error('the log does not end with a transaction');
  if (ends.length <= count) throw new Error(`the log has no ${count} transactions`);
  return Array.from({ length: count }, (_, i) => ({ from: ends.at(-2 - i) ?? 0, to: ends.at(-1 - i) ?? 0 }));
}

/** A transaction at the end of the log, and what comes out when it and those after it are not there. */
interface Tail extends Transaction {
  readonly without: ReadonlySet<string>;
}

class Judge {
  readonly violations: string[] = [];
  readonly counts = {
    'flips in the database': 0,
    'flips in the log': 0,
    harmless: 0,
    'reported at the start': 0,
    'by a read': 0,
    'by the check alone': 0,
    'last transactions taken for torn': 0,
    'ended by a signal': 0,
  };
  readonly messages: number;
  readonly #whole: ReadonlySet<string>;
  readonly #tails: readonly Tail[];

  /** Reads what comes out of the copy as it is first, and of ones without the last transactions. */
  static async of(data: RottingData, opener: FlipProcess): Promise<Judge> {
    const whole = expectQuiet(await opener.run(data.task));
    for (const [queue, bodies] of data.published) {
      const served = whole.filter((each) => each.queue === queue);
      const isWhole = served.length === bodies.size && served.every(({ id, body }) => bodies.get(id) === body);
      if (!isWhole) throw new Error(`without any flip, ${queue} does not hold what was published`);
    }
    const tails: Tail[] = [];
    for (const last of lastTransactions(readFileSync(`${data.original}-wal`), UNSYNCED_MAX)) {
      const without = expectQuiet(await opener.run({ ...data.task, logBytes: last.from }));
      tails.push({ ...last, without: new Set(without.map(keyOf)) });
    }
    return new Judge(whole, tails);
  }

  private constructor(whole: readonly Served[], tails: readonly Tail[]) {
    this.messages = whole.length;
    this.#whole = new Set(whole.map(keyOf));
    this.#tails = tails;
  }

  judge(flip: Flip, result: FlipResult | 'signal' | 'endless'): void {
    const { file, offset, bit } = flip;
    const counts = this.counts;
    counts[file === 'log' ? 'flips in the log' : 'flips in the database']++;
    const say = (what: string): void => void this.violations.push(`bit ${bit} of byte ${offset} of the ${file}: ${what}`);
    if (result === 'endless') return say('opening and draining it did not come to an end');
    if (result === 'signal') return void counts['ended by a signal']++;
    const served = new Set(result.served.map(keyOf));
    const tail = file === 'log' ? this.#tails.find(({ from, to }) => offset >= from && offset < to) : undefined;
    if (tail !== undefined && isSame(served, tail.without)) {
      counts['last transactions taken for torn']++;
      return;
    }
    const wrong = result.served.filter((each) => !this.#whole.has(keyOf(each)));
    const [first] = wrong;
    if (first !== undefined) say(`${wrong.length} messages are not what was published, such as ${first.id} in ${first.queue}`);
    if (served.size < result.served.length) say(`${result.served.length - served.size} messages came twice`);
    if (result.again.length > 0) say(`${result.again.length} messages came again after they were settled`);
    const missing = this.#whole.size - [...this.#whole].filter((key) => served.has(key)).length;
    if (result.start !== undefined) counts['reported at the start']++;
    else if (result.read !== undefined) counts['by a read']++;
    else if (result.check !== undefined) counts['by the check alone']++;
    else if (missing > 0) say(`${missing} messages are missing, and nobody says so`);
    else counts.harmless++;
  }
}

function expectQuiet(result: FlipResult | string): readonly Served[] {
  if (typeof result === 'string') throw new Error(`without any flip, the process ended: ${result}`);
  const complaint = result.start ?? result.read ?? result.check;
  if (complaint !== undefined) throw new Error(`without any flip: ${complaint}`);
  return result.served;
}

function keyOf({ queue, id, all }: Served): string {
  return `${queue} ${id} ${all}`;
}

function isSame(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((key) => b.has(key));
}
