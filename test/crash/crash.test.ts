/**
 * The broker killed with -9 at random moments under load. CRASH_ROUNDS and CRASH_SEED choose another number of rounds and repeat
 * the choices of a run (not its moments: those are the machine's).
 */
import { expect, onTestFinished, test } from 'vitest';
import { BrokerProcess } from '../support/broker-process.ts';
import { runHoldfast } from '../support/holdfast-command.ts';
import { crashRun, summary } from './crash-run.ts';

const ROUNDS = Number(process.env['CRASH_ROUNDS'] ?? 50);
const SEED = Number(process.env['CRASH_SEED'] ?? Date.now() % 1_000_000);

/** Of a round, everything included, on a slow machine, in ms. */
const ROUND_MS_MAX = 5000;
const START_AND_DRAIN_MS = 60_000;

function aBroker(environment: Readonly<Record<string, string>> = {}): BrokerProcess {
  const broker = new BrokerProcess([], environment);
  onTestFinished(() => broker.dispose());
  return broker;
}

function say(line: string): void {
  process.stderr.write(`crash rig: ${line}\n`);
}

test(
  `${ROUNDS} times kill -9 under load lose, invent, alter, double and reorder nothing`,
  async () => {
    const broker = aBroker();
    const killed = (): Promise<void> => expectGoodOrder(broker);
    const verdict = await crashRun({
      rounds: ROUNDS,
      seed: SEED,
      loadMs: [50, 600],
      onlyAcks: false,
      drainMs: 30_000,
      broker,
      killed,
    });
    say(summary(verdict, SEED));
    expect(verdict.violations.slice(0, 20), `seed ${SEED}`).toEqual([]);
    expect(verdict.crashes).toBe(ROUNDS);
    // a rig that hardly published, hardly acknowledged or never interrupted anything has shown nothing
    expect(verdict.confirmed).toBeGreaterThan(ROUNDS * 20);
    expect(verdict.acknowledged).toBeGreaterThan(verdict.confirmed / 2);
    expect(verdict.redeliveries).toBeGreaterThan(ROUNDS);
    expect(verdict.unknown).toBeGreaterThan(0);
    await expectGoodOrder(broker);
  },
  START_AND_DRAIN_MS + ROUNDS * ROUND_MS_MAX,
);

test(
  'the rig catches a broker that confirms before its commit',
  async () => {
    const preload = new URL('./early-confirm/preload.ts', import.meta.url).href;
    const broker = aBroker({ NODE_OPTIONS: `--import=${preload}` });
    const killed = (): Promise<void> => Promise.resolve();
    const verdict = await crashRun({ rounds: 6, seed: SEED, loadMs: [100, 500], onlyAcks: true, drainMs: 5000, broker, killed });
    say(`with a planted early confirm: ${summary(verdict, SEED)}`);
    expect(verdict.lost, `seed ${SEED}`).toBeGreaterThan(0);
  },
  START_AND_DRAIN_MS + 6 * ROUND_MS_MAX,
);

/** As `holdfast check` sees the data of a broker that does not run. */
async function expectGoodOrder(broker: BrokerProcess): Promise<void> {
  const { code, stdout, stderr } = await runHoldfast(['check', '--data', broker.dataDir]);
  expect({ code, stdout: String(stdout), stderr }).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('no findings') as string,
  });
}
