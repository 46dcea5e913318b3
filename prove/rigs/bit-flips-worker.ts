/**
 * Opens a database in which one bit is another than it was written, in a process of its own: damage may end it, or keep it busy for
 * ever. Checks it as `holdfast check` does, then drains it through the store, and tells what was given out and who complained.
 */
import { createHash } from 'node:crypto';
import { copyFileSync, openSync, closeSync, readSync, rmSync, truncateSync, writeSync } from 'node:fs';
import process from 'node:process';
import { packBatch } from '../../src/store/sqlite/batch-codec.ts';
import { checkDatabase } from '../../src/store/sqlite/check.ts';
import { SqliteEngine } from '../../src/store/sqlite/engine.ts';
import type { MessageRow } from '../../src/store/sqlite/statements.ts';
import type { Selection } from '../../src/store/store.ts';

export interface FlipTask {
  /** The database as it was left, and a place to open a copy of it in. */
  readonly original: string;
  readonly copy: string;
  readonly queues: readonly string[];
  readonly flip?: { readonly file: 'database' | 'log'; readonly offset: number; readonly bit: number };
  /** The log is cut off there first. */
  readonly logBytes?: number;
}

export interface Served {
  readonly queue: string;
  readonly id: string;
  /** Of the body alone; of all that the store gave out. */
  readonly body: string;
  readonly all: string;
}

export interface FlipResult {
  readonly served: readonly Served[];
  /** Came again after it was settled. */
  readonly again: readonly string[];
  /** What each of them said first; undefined when it said nothing. */
  readonly start?: string | undefined;
  readonly read?: string | undefined;
  readonly check?: string | undefined;
}

const LIMITS = { messagesMax: 100, bytesMax: 256 * 1024 };
const CHORES_MAX = 100;
const FROM_START = { kind: 'after', seq: 0 } as const;
const FROM_EARLIEST = { kind: 'due', due: 0, seq: 0 } as const;

function restore({ original, copy, flip, logBytes }: FlipTask): void {
  rmSync(`${copy}-shm`, { force: true });
  for (const end of ['', '-wal']) copyFileSync(original + end, copy + end);
  if (logBytes !== undefined) truncateSync(`${copy}-wal`, logBytes);
  if (flip === undefined) return;
  const handle = openSync(flip.file === 'log' ? `${copy}-wal` : copy, 'r+');
  const byte = Buffer.alloc(1);
  readSync(handle, byte, 0, 1, flip.offset);
  byte.writeUInt8(byte.readUInt8() ^ (1 << flip.bit));
  writeSync(handle, byte, 0, 1, flip.offset);
  closeSync(handle);
}

class Drain {
  readonly served: Served[] = [];
  readonly again: string[] = [];
  damage: string | undefined;
  readonly #engine: SqliteEngine;

  constructor(engine: SqliteEngine) {
    this.#engine = engine;
  }

  queue(name: string): void {
    const record = this.#engine.find('default', name);
    if (record === undefined) return;
    const rows = [...this.#rows(record.id, FROM_START), ...this.#rows(record.id, FROM_EARLIEST)];
    for (const [seq, attempts, due, id, time, attributes, sharedBody, body] of rows) {
      const all = digest(JSON.stringify([record.name, seq, attempts, due, id, time, sharedBody]), attributes ?? '-', body);
      this.served.push({ queue: record.name, id, body: digest(body), all });
    }
    const messages = rows.map(([seq, , , , , , sharedBody]) => ({ seq, sharedBody }));
    this.#engine.commit(packBatch([{ kind: 'settle', queue: record.id, messages }]));
    const settled = new Set(messages.map(({ seq }) => seq));
    // one that an index hid behind others may well come now, and that is as it should be
    for (const [seq, , , id] of [...this.#rows(record.id, FROM_START), ...this.#rows(record.id, FROM_EARLIEST)])
      if (settled.has(seq)) this.again.push(id);
  }

  /** As a backlog reads: on from the last one. */
  *#rows(queue: number, from: Selection): Generator<MessageRow> {
    let selection = from;
    for (;;) {
      const { rows, more, damaged } = this.#engine.read(queue, selection, LIMITS);
      const [first] = damaged;
      if (first !== undefined) this.damage ??= `${first.what} ${first.seq} of queue ${first.queue}`;
      yield* rows;
      const last = rows.at(-1);
      if (!more || last === undefined) return;
      const [seq, , due] = last;
      selection = selection.kind === 'due' ? { kind: 'due', due, seq } : { kind: 'after', seq };
    }
  }
}

function digest(...parts: (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(String(part.length)).update(part);
  return hash.digest('base64').slice(0, 22);
}

function check(path: string): string | undefined {
  try {
    return checkDatabase(path).findings[0];
  } catch (error) {
    return textOf(error);
  }
}

function drain(path: string, queues: readonly string[]): Omit<FlipResult, 'check'> {
  let engine: SqliteEngine;
  try {
    engine = new SqliteEngine(path);
    engine.recover();
  } catch (error) {
    return { served: [], again: [], start: textOf(error) };
  }
  const drained = new Drain(engine);
  try {
    for (const name of queues) drained.queue(name);
    for (let i = 0; i < CHORES_MAX && engine.hasChores; i++) engine.doChore();
    engine.close();
    return { served: drained.served, again: drained.again, read: drained.damage };
  } catch (error) {
    return { served: drained.served, again: drained.again, read: textOf(error) };
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

process.on('message', (task: FlipTask) => {
  restore(task);
  const checked = check(task.copy);
  const result: FlipResult = { ...drain(task.copy, task.queues), check: checked };
  process.send?.(result);
});
