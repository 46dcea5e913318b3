/** A disk whose fsync takes longer, for one process: `slow-sync.c`, compiled when it is needed and preloaded. Linux only. */
import { execFileSync } from 'node:child_process';
import { existsSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface SlowSync {
  /** For the process whose every fsync and fdatasync is to wait. */
  readonly environment: Readonly<Record<string, string>>;
  /** How many were delayed so far. */
  calls(): number;
  /** From now on they wait so long, in ms. */
  change(ms: number): void;
}

/** @throws in plain words where there is no C compiler, or no Linux. */
export function slowSync(directory: string, ms: number): SlowSync {
  if (process.platform !== 'linux') throw new Error('a slow fsync can only be injected on Linux');
  const library = join(directory, 'slow-sync.so');
  const calls = join(directory, 'slow-sync-calls');
  try {
    execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, join(import.meta.dirname, 'slow-sync.c'), '-ldl'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  } catch (cause) {
    throw new Error('a slow fsync can only be injected where there is a C compiler, `cc`', { cause });
  }
  const wait = join(directory, 'slow-sync-ms');
  // in one step, since it may be read at any time
  const change = (to: number): void => {
    writeFileSync(`${wait}.new`, String(to));
    renameSync(`${wait}.new`, wait);
  };
  change(ms);
  return {
    environment: { LD_PRELOAD: library, SLOW_SYNC_MS: wait, SLOW_SYNC_CALLS: calls },
    calls: () => (existsSync(calls) ? statSync(calls).size : 0),
    change,
  };
}
