/** An fsync that fails, for one process: `failing-sync.c`, compiled when it is needed and preloaded. Linux only. */
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, existsSync, fstatSync, ftruncateSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import process from 'node:process';

/** Why a disk can't be made to fail or to dawdle here. */
export function noFaultyDisk(): string | undefined {
  if (process.platform !== 'linux') return 'faults of a disk can only be injected on Linux';
  return spawnSync('cc', ['--version']).status === 0 ? undefined : 'it needs a C compiler, cc';
}

export class FailingSync {
  readonly #library: string;
  readonly #mark: string;

  constructor(directory: string) {
    this.#library = join(directory, 'failing-sync.so');
    this.#mark = join(directory, 'failing-sync-happened');
    const source = join(import.meta.dirname, 'failing-sync.c');
    execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', this.#library, source, '-ldl', '-lpthread'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  }

  /** For a process whose sync of that number, counted from 1, is to fail; what was before is forgotten. */
  environment(at: number): Readonly<Record<string, string>> {
    rmSync(this.#mark, { force: true });
    return { LD_PRELOAD: this.#library, FAIL_SYNC_AT: String(at), FAIL_SYNC_MARK: this.#mark };
  }

  get hasHappened(): boolean {
    return existsSync(this.#mark);
  }

  /**
   * Takes back what was written to the file since it was last in sync: it never was on disk, and goes with the page cache. To be
   * called when the process has ended. Returns the file's name.
   */
  loseUnsynced(): string {
    const mark = new Mark(readFileSync(this.#mark));
    const path = mark.line();
    const size = Number(mark.line());
    // a directory, a file that had been in sync all along, or one that is gone itself
    if (size < 0 || !existsSync(path)) return basename(path);
    const file = openSync(path, 'r+');
    try {
      while (!mark.isAtEnd) {
        const [offset = 0, length = 0] = mark.line().split(' ').map(Number);
        writeSync(file, mark.bytes(length), 0, length, offset);
      }
      if (fstatSync(file).size > size) ftruncateSync(file, size);
    } finally {
      closeSync(file);
    }
    return basename(path);
  }
}

/** Lines, and bytes after some of them. */
class Mark {
  readonly #content: Buffer;
  #at = 0;

  constructor(content: Buffer) {
    this.#content = content;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#content.length;
  }

  line(): string {
    const end = this.#content.indexOf(0x0a, this.#at);
    const text = this.#content.toString('utf8', this.#at, end);
    this.#at = end + 1;
    return text;
  }

  bytes(length: number): Buffer {
    const bytes = this.#content.subarray(this.#at, this.#at + length);
    this.#at += length;
    return bytes;
  }
}
