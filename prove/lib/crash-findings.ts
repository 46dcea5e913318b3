/** Crashes under load, as all rigs that kill a broker have them: the run, the check of what is on disk, and what was found. */
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { crashRun, type CrashRunOptions } from '../../test/crash/crash-run.ts';
import { cleanEnvironment, ENTRY } from '../../test/support/broker-process.ts';
import type { Findings } from './rig.ts';

export interface CrashPlan extends Omit<CrashRunOptions, 'killed' | 'onlyAcks'> {
  /** Of the broker that is killed. */
  readonly dataDir: string;
  readonly onlyAcks?: boolean;
  /** The broker lives through what it is done to. */
  readonly survives?: boolean;
}

export async function crashFindings({ dataDir, onlyAcks = false, survives = false, ...plan }: CrashPlan): Promise<Findings> {
  const damages: string[] = [];
  const check = (when: string): void => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [ENTRY, 'check', '--data', dataDir], {
      env: cleanEnvironment(),
      encoding: 'utf8',
    });
    if (status !== 0) damages.push(`holdfast check ${when} ended with ${status}: ${(stdout + stderr).trim().slice(0, 500)}`);
  };
  const killed = (): Promise<void> => {
    if (!survives) check('after the last crash');
    return Promise.resolve();
  };
  const { violations, tries, confirmed, lost, duplicated, reordered, unknown, ...rest } = await crashRun({
    ...plan,
    onlyAcks,
    killed,
  });
  check('after the drain');
  const { crashes, refused, recovered, deliveries, redeliveries } = rest;
  return {
    tries,
    confirmed,
    lost,
    duplicated,
    reordered,
    unknown,
    violations: [...violations.map(({ invariant, kind, text }) => `${kind} (${invariant}): ${text}`), ...damages],
    details: { crashes, refused, 'unknown that arrived': recovered, deliveries, redeliveries },
  };
}
