/**
 * Looks through the write-ahead log before SQLite does (https://www.sqlite.org/fileformat2.html#walformat). SQLite takes a frame whose
 * checksum is wrong for the end of the log, without a word: what a crash has torn off ends so, and what rotted in the middle drops
 * every confirmed transaction after it. This tells the one from the other as far as it can be told.
 *
 * A torn tail is the last few transactions: no further one begins before the first of them is synced. So it is damage for sure when, from
 * the first bad frame on, as many have ended, one going on from the other, and another frame with this log's salts goes on from them: the
 * first was on the disk, whole. Damage within the last few transactions looks like a torn tail, and is taken for one. Frames that an earlier crash tore off may lie behind a
 * later end of the log, salts and all; but nothing ever went on from their last one.
 *
 * Must never write to the log, unless it is told to cut it off.
 */
import { closeSync, copyFileSync, constants, fstatSync, fsyncSync, ftruncateSync, openSync, readSync } from 'node:fs';
import { Buffer } from 'node:buffer';
import { engineCodeOf, StoreError } from './store-error.ts';
import { UNSYNCED_MAX } from './wal-sync.ts';

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
/** The last bit says whether the words that are summed up are big-endian. */
const MAGIC = 0x377f0682;
const VERSION = 3_007_000;
/** What our databases have; a header that says otherwise is damaged, or of another program's database. */
const PAGE_BYTES = 8192;
const FRAME_BYTES = FRAME_HEADER_BYTES + PAGE_BYTES;
/** Frames read at a time: 1 MiB. */
const FRAMES_AT_ONCE = 128;

export interface LogDamage {
  readonly path: string;
  /** The first bad frame, from 1; 0 is the log's header. */
  readonly frame: number;
  /** The log is good up to here: the end of the last transaction before the damage, or 0. */
  readonly goodBytes: number;
  /** Frames from there to the last one that is known to have been confirmed. */
  readonly framesLost: number;
}

type Sum = readonly [number, number];

/** What can be said of a frame by itself and the sums stored with the one before. */
interface Frame {
  readonly isCommit: boolean;
  readonly hasSalts: boolean;
  /** The sums stored with it. */
  readonly stored: Sum;
  /** What the sums are, going on from those stored with the frame before. */
  readonly actual: Sum;
  /** The same, going on from what those should have been. */
  readonly actualFromActual: Sum;
}

/** Undefined when there is no damage for sure. Reads the log, and nothing else. */
export function findLogDamage(databasePath: string): LogDamage | undefined {
  const path = `${databasePath}-wal`;
  const handle = openIfThere(path);
  if (handle === undefined) return undefined;
  try {
    return new LogReader(path, handle).findDamage();
  } finally {
    closeSync(handle);
  }
}

/** @throws {StoreError} for damage. */
export function refuseDamagedLog(databasePath: string): void {
  const damage = findLogDamage(databasePath);
  if (damage !== undefined) throw new StoreError('corrupt', sentenceOf(damage));
}

export function sentenceOf({ path, frame, framesLost }: LogDamage): string {
  const where = frame === 0 ? 'its header' : `frame ${frame}`;
  return (
    `${path} is damaged (${where}), and with it at least ${framesLost} pages of confirmed transactions: restore a backup, ` +
    'or go on without them: `holdfast check --repair` keeps a copy and cuts the log off before the damage'
  );
}

/** Leaves what is good of the log; the whole of it is kept beside it. Returns the copy's path. */
export function cutLog({ path, goodBytes }: LogDamage): string {
  const copy = `${path}.damaged-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`;
  copyFileSync(path, copy, constants.COPYFILE_EXCL);
  for (const [file, bytes] of [
    [copy, undefined],
    [path, goodBytes],
  ] as const) {
    const handle = openSync(file, 'r+');
    try {
      if (bytes !== undefined) ftruncateSync(handle, bytes);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  }
  return copy;
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (engineCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

class LogReader {
  readonly #path: string;
  readonly #handle: number;
  readonly #frames: number;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  readonly #chunk = Buffer.alloc(FRAMES_AT_ONCE * FRAME_BYTES);
  #chunkFrom = 0;
  #bigEndian = false;
  #salts: Sum = [0, 0];

  constructor(path: string, handle: number) {
    this.#path = path;
    this.#handle = handle;
    this.#frames = Math.floor((fstatSync(handle).size - HEADER_BYTES) / FRAME_BYTES);
  }

  findDamage(): LogDamage | undefined {
    if (this.#frames < 1) return undefined;
    readSync(this.#handle, this.#header, 0, HEADER_BYTES, 0);
    const magic = this.#header.readUInt32BE(0);
    this.#bigEndian = (magic & 1) === 1;
    const stored = sumAt(this.#header, HEADER_BYTES - 8);
    const actual = addUp(this.#header, 0, HEADER_BYTES - 8, [0, 0], this.#bigEndian);
    const isOurs =
      (magic & ~1) === MAGIC && this.#header.readUInt32BE(4) === VERSION && this.#header.readUInt32BE(8) === PAGE_BYTES;
    if (!isOurs || !same(stored, actual)) return this.#damagedHeader(stored);
    this.#salts = sumAt(this.#header, 16);
    return this.#damagedFrame(stored);
  }

  /**
   * SQLite takes no frame of a log without a header. Frames of an earlier log may follow one that was cut off as it was written; but
   * if the first frame goes on from this header, there was one, and it was synced before the frame was written.
   */
  #damagedHeader(stored: Sum): LogDamage | undefined {
    for (const bigEndian of [false, true]) {
      this.#bigEndian = bigEndian;
      const actual = addUp(this.#header, 0, HEADER_BYTES - 8, [0, 0], bigEndian);
      for (const before of [stored, actual]) {
        const at = this.#frameAt(1);
        this.#salts = sumAt(this.#chunk, at + 8);
        const frame = this.#judge(at, before, before);
        if (!same(frame.stored, frame.actual)) continue;
        return { path: this.#path, frame: 0, goodBytes: 0, framesLost: Math.max(this.#lastLinked(1, before), 1) };
      }
    }
    return undefined;
  }

  #damagedFrame(header: Sum): LogDamage | undefined {
    let before = header;
    let lastCommit = 0;
    for (let n = 1; n <= this.#frames; n++) {
      const frame = this.#judge(this.#frameAt(n), before, before);
      if (!frame.hasSalts || !same(frame.stored, frame.actual)) {
        const last = this.#lastLinked(n, before);
        if (last === 0) return undefined;
        return {
          path: this.#path,
          frame: n,
          goodBytes: lastCommit === 0 ? 0 : startOf(lastCommit + 1),
          framesLost: last - lastCommit,
        };
      }
      if (frame.isCommit) lastCommit = n;
      before = frame.stored;
    }
    return undefined;
  }

  /** The last frame that is known to have been synced, as others go on from it; 0 when there is none from `first` on. */
  #lastLinked(first: number, sumBefore: Sum): number {
    let last = 0;
    let links: number[] = [];
    let [stored, actual, afterCommit] = [sumBefore, sumBefore, false];
    for (let n = first; n <= this.#frames; n++) {
      const frame = this.#judge(this.#frameAt(n), stored, actual);
      const goesOn =
        n > first && frame.hasSalts && (same(frame.stored, frame.actual) || same(frame.stored, frame.actualFromActual));
      if (!goesOn) links = [];
      else if (afterCommit) links.push(n - 1);
      last = links.at(-UNSYNCED_MAX) ?? last;
      [stored, actual, afterCommit] = [frame.stored, frame.actual, frame.isCommit];
    }
    return last;
  }

  /** A frame of another log, told by its salts, is not added up. */
  #judge(at: number, storedBefore: Sum, actualBefore: Sum): Frame {
    const chunk = this.#chunk;
    const isCommit = chunk.readUInt32BE(at + 4) !== 0;
    const hasSalts = same(sumAt(chunk, at + 8), this.#salts);
    const stored = sumAt(chunk, at + 16);
    const actual = hasSalts ? this.#sumOf(at, storedBefore) : stored;
    const actualFromActual = !hasSalts || same(storedBefore, actualBefore) ? actual : this.#sumOf(at, actualBefore);
    return { isCommit, hasSalts, stored, actual, actualFromActual };
  }

  #sumOf(at: number, before: Sum): Sum {
    const afterHead = addUp(this.#chunk, at, 8, before, this.#bigEndian);
    return addUp(this.#chunk, at + FRAME_HEADER_BYTES, PAGE_BYTES, afterHead, this.#bigEndian);
  }

  /** Where in the chunk the nth frame lies, which is read if need be. */
  #frameAt(n: number): number {
    if (this.#chunkFrom === 0 || n < this.#chunkFrom || n >= this.#chunkFrom + FRAMES_AT_ONCE) {
      readSync(this.#handle, this.#chunk, 0, this.#chunk.length, startOf(n));
      this.#chunkFrom = n;
    }
    return (n - this.#chunkFrom) * FRAME_BYTES;
  }
}

/** Where the nth frame begins. */
function startOf(n: number): number {
  return HEADER_BYTES + (n - 1) * FRAME_BYTES;
}

function sumAt(buffer: Buffer, at: number): Sum {
  return [buffer.readUInt32BE(at), buffer.readUInt32BE(at + 4)];
}

function same(a: Sum, b: Sum): boolean {
  return a[0] === b[0] && a[1] === b[1];
}

/** SQLite's sum: of pairs of words, each added to what the other has come to. */
function addUp(buffer: Buffer, at: number, length: number, before: Sum, bigEndian: boolean): Sum {
  const words = new DataView(buffer.buffer, buffer.byteOffset + at, length);
  let [a, b] = before;
  for (let i = 0; i < length; i += 8) {
    a = (a + words.getUint32(i, !bigEndian) + b) | 0;
    b = (b + words.getUint32(i + 4, !bigEndian) + a) | 0;
  }
  return [a >>> 0, b >>> 0];
}
