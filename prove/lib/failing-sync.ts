/** An fsync that fails, for one process: `failing-sync.c`, compiled when it is needed and preloaded. Linux only. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
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
    for (const mark of [this.#mark, this.#rewrittenMark]) rmSync(mark, { force: true });
    return { LD_PRELOAD: this.#library, FAIL_SYNC_AT: String(at), FAIL_SYNC_MARK: this.#mark };
  }

  get hasHappened(): boolean {
    return existsSync(this.#mark);
  }

  /**
   * Takes back what was written to the file since it was last in sync, but for what was written again and synced: it never was on
   * disk, and goes with the page cache. To be called when the process has ended. Returns the file's name; undefined when it was a
   * directory, for which SQLite overlooks it.
   */
  loseUnsynced(): string | undefined {
    const mark = new Mark(readFileSync(this.#mark));
    const path = mark.line();
    const size = Number(mark.line());
    // the file is gone itself, or had been in sync all along
    if (!existsSync(path)) return basename(path);
    if (size < 0) return statSync(path).isDirectory() ? undefined : basename(path);
    const file = openSync(path, 'r+');
    try {
      const kept = this.#rewritten().map(([offset, length]) => ({ offset, bytes: read(file, offset, length) }));
      const sizeNow = fstatSync(file).size;
      while (!mark.isAtEnd) {
        const [offset, length] = pairOf(mark.line());
        const bytes = mark.bytes(length);
        if (offset < sizeNow) writeSync(file, bytes, 0, length, offset);
      }
      if (sizeNow > size) ftruncateSync(file, size);
      for (const { offset, bytes } of kept) writeSync(file, bytes, 0, bytes.length, offset);
    } finally {
      closeSync(file);
    }
    return basename(path);
  }

  #rewritten(): [offset: number, length: number][] {
    if (!existsSync(this.#rewrittenMark)) return [];
    return readFileSync(this.#rewrittenMark, 'utf8').trim().split('\n').map(pairOf);
  }

  get #rewrittenMark(): string {
    return `${this.#mark}.rewritten`;
  }
}

function pairOf(line: string): [offset: number, length: number] {
  const [offset = 0, length = 0] = line.split(' ').map(Number);
  return [offset, length];
}

/** What there is of it. */
function read(file: number, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(file, bytes, 0, length, offset));
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
