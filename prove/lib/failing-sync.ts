/** An fsync that fails, for one process: `failing-sync.c`, compiled when it is needed and preloaded. Linux only. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

/** Why it can't be had here. */
export function noFailingSync(): string | undefined {
  if (process.platform !== 'linux') return 'a failing fsync can only be injected on Linux';
  return spawnSync('cc', ['--version']).status === 0 ? undefined : 'it needs a C compiler, cc';
}

export class FailingSync {
  readonly #library: string;
  readonly #mark: string;

  constructor(directory: string) {
    this.#library = join(directory, 'failing-sync.so');
    this.#mark = join(directory, 'failing-sync-happened');
    const source = join(import.meta.dirname, 'failing-sync.c');
    execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', this.#library, source, '-ldl'], { stdio: ['ignore', 'ignore', 'pipe'] });
  }

  /** For a process whose sync of that number, counted from 1, is to fail; what was before is forgotten. */
  environment(at: number): Readonly<Record<string, string>> {
    rmSync(this.#mark, { force: true });
    return { LD_PRELOAD: this.#library, FAIL_SYNC_AT: String(at), FAIL_SYNC_MARK: this.#mark };
  }

  get hasHappened(): boolean {
    return existsSync(this.#mark);
  }
}
