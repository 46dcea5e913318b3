/**
 * The disk says once that it could not sync. What SQLite then had in hand may be on disk or not, and it would carry on: so the
 * broker must confirm nothing more, end, and find its way by itself at the next start.
 */
import { crashFindings } from '../lib/crash-findings.ts';
import { FailingBroker, type FailingBrokerOptions } from '../lib/failing-broker.ts';
import { noFaultyDisk } from '../lib/failing-sync.ts';
import type { Findings, Rig } from '../lib/rig.ts';

const SYNCS = 200;
const SYNCS_QUICK = 10;
const DRAIN_MS = 60_000;
const END_MS_MAX = 5000;

export const failingSync: Rig = {
  id: 'failing-sync',
  title: `EIO at each of the first ${SYNCS} syncs of a run`,
  description:
    'As the crashes, but nobody kills the broker: in the nth round its nth fsync fails with EIO, and the load goes on until it has. ' +
    'The broker must end by itself, confirm nothing after that, and start again on the same data.',
  obstacle: noFaultyDisk,
  run({ seed, quick, say }) {
    const rounds = quick ? SYNCS_QUICK : SYNCS;
    // from the first to the last, also where only some of them are tried
    const syncs = Array.from({ length: rounds }, (_, i) => 1 + Math.round((i * (SYNCS - 1)) / (rounds - 1)));
    const progress = (done: number): void => (done % 50 === 0 ? say(`${done} of ${rounds} failures`) : undefined);
    return failingSyncFindings({ syncs, endMsMax: END_MS_MAX, seed, drainMs: DRAIN_MS, progress });
  },
};

interface FailingSyncPlan extends FailingBrokerOptions {
  readonly seed: number;
  readonly drainMs: number;
  readonly progress?: (rounds: number) => void;
}

export async function failingSyncFindings({ seed, drainMs, progress, ...options }: FailingSyncPlan): Promise<Findings> {
  const broker = new FailingBroker(options);
  try {
    const { details, violations, ...findings } = await crashFindings({
      rounds: options.syncs.length,
      seed,
      loadMs: [0, 50],
      loadUntil: () => broker.struck(),
      stillborn: 0,
      drainMs,
      broker,
      dataDir: broker.dataDir,
      ...(progress === undefined ? {} : { progress }),
    });
    const { crashes: rounds = 0, ...others } = details;
    return {
      ...findings,
      violations: [...violations, ...broker.faults],
      details: { rounds, 'failed syncs': broker.failures, 'of them while starting': broker.failedStarts, ...others },
    };
  } finally {
    await broker.dispose();
  }
}
