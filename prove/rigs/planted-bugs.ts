/** A rig that catches nothing is worthless: each planted bug must be found by the rig that is there for it. */
import { BrokerProcess } from '../../test/support/broker-process.ts';
import { crashFindings } from '../lib/crash-findings.ts';
import { noFaultyDisk } from '../lib/failing-sync.ts';
import { noPowerCut } from '../lib/loop-mount.ts';
import { PowerCutBroker } from '../lib/power-cut-broker.ts';
import { type Findings, NOTHING_FOUND, type Rig } from '../lib/rig.ts';
import { simulate } from '../lib/simulate.ts';
import { bugs, type PlantedBug } from '../plants/bugs.ts';
import { plantedEnvironment } from '../plants/planted.ts';
import { bitFlipFindings } from './bit-flips.ts';
import { failingSyncFindings } from './failing-sync.ts';
import { fullDiskFindings } from './full-disk.ts';
import { halfOpen, halfOpenFindings } from './half-open.ts';
import { networkFindings } from './network.ts';

/** Some of them show in one history of thousands. */
const SEEDS_MAX = 20_000;
const STEPS = 60;
/** A bug may well make the broker go round in circles. */
const SIMULATION_MS_MAX = 60_000;
const ROUNDS = 8;
const FLIPS_MAX = 100;
/** What a bug has lost never drains, so it is not waited for long. */
const DRAIN_MS = 4000;
/** The sync that fails: one of a commit under load. */
const SYNC = 30;
/** How long the broker may take to end after it, or to take publishes again, before it is known that it never will. */
const END_MS = 2000;
const CHANGE_MS = 3000;

export const plantedBugs: Rig = {
  id: 'planted-bugs',
  title: `${bugs.length} planted bugs, each to be found by the rig that is there for it`,
  description:
    'The broker is loaded with a change to the text of one of its modules, and the rig that is there for such a bug must find a ' +
    'violation.',
  async run({ seed, say }) {
    const missed: string[] = [];
    let found = 0;
    let skipped = 0;
    for (const bug of bugs) {
      const sign = await signOf(bug, seed);
      if (sign === undefined) skipped++;
      else if (sign === '') missed.push(`${bug.id} was not found by ${bug.foundBy}: a broker that ${bug.what}`);
      else found++;
      const outcome = sign === undefined ? 'skipped, its rig does not run here' : sign === '' ? 'NOT FOUND' : `found: ${sign}`;
      say(`${bug.id}: ${outcome.slice(0, 140)}`);
    }
    return { ...NOTHING_FOUND, violations: missed, details: { planted: bugs.length, found, skipped } };
  },
};

/** The first violation; empty when there was none, undefined when its rig can't run here. */
async function signOf(bug: PlantedBug, seed: number): Promise<string | undefined> {
  switch (bug.foundBy) {
    case 'simulator': {
      const { failures } = await simulate({
        firstSeed: seed,
        seeds: SEEDS_MAX,
        steps: STEPS,
        threads: 2,
        bug: bug.id,
        msMax: SIMULATION_MS_MAX,
      });
      return failures[0] === undefined ? '' : `${failures[0].message.split('\n')[0] ?? ''} (${failures[0].steps.length} steps)`;
    }
    case 'crashes': {
      const broker = new BrokerProcess([], plantedEnvironment(bug.id));
      return signOfCrashes(() => crashes(broker, broker.dataDir, seed), broker);
    }
    case 'network':
      return firstOf(await networkFindings({ rounds: ROUNDS, seed, drainMs: DRAIN_MS, environment: plantedEnvironment(bug.id) }));
    case 'half-open':
      if (halfOpen.obstacle?.() !== undefined) return undefined;
      return firstOf(await halfOpenFindings({ quick: true, environment: plantedEnvironment(bug.id) }));
    case 'power-ext4': {
      if (noPowerCut('ext4') !== undefined) return undefined;
      const broker = new PowerCutBroker('ext4', plantedEnvironment(bug.id));
      return signOfCrashes(() => crashes(broker, broker.dataDir, seed), broker);
    }
    case 'failing-sync': {
      if (noFaultyDisk() !== undefined) return undefined;
      const environment = plantedEnvironment(bug.id);
      return firstOf(await failingSyncFindings({ syncs: [SYNC], endMsMax: END_MS, seed, drainMs: DRAIN_MS, environment }));
    }
    case 'full-disk':
      if (noPowerCut('ext4') !== undefined) return undefined;
      return firstOf(await fullDiskFindings({ cycles: 1, changeMsMax: CHANGE_MS, environment: plantedEnvironment(bug.id) }));
    case 'bit-flips': {
      const plan = { seed, flips: FLIPS_MAX, say: () => undefined, environment: plantedEnvironment(bug.id), untilFound: true };
      return (await bitFlipFindings(plan)).violations[0] ?? '';
    }
    default:
      return bug.foundBy satisfies never;
  }
}

function crashes(broker: BrokerProcess | PowerCutBroker, dataDir: string, seed: number): Promise<Findings> {
  return crashFindings({ rounds: ROUNDS, seed, loadMs: [50, 300], drainMs: DRAIN_MS, broker, dataDir });
}

async function signOfCrashes(run: () => Promise<Findings>, broker: { dispose(): Promise<void> }): Promise<string> {
  try {
    return firstOf(await run());
  } finally {
    await broker.dispose();
  }
}

function firstOf({ violations }: Findings): string {
  const [first] = violations.filter((violation) => !violation.startsWith('stuck'));
  return first === undefined ? '' : `${first} (${violations.length} in all)`;
}
