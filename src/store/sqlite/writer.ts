/**
 * The writer thread: owns the one connection that reads, commits and checkpoints, so that a slow disk stalls nobody's socket.
 * Requests are done in the order in which they came. After the first error it never touches the database again.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { SqliteEngine } from './engine.ts';
import { bytesOf, packMessages } from './message-codec.ts';
import { release, transferOf } from './planes.ts';
import type { MessageRow } from './statements.ts';
import { storeErrorFrom } from './store-error.ts';
import type { Answer, Request, WriterMessage, WriterOptions } from './thread-messages.ts';
import { WalSync } from './wal-sync.ts';

/** Answers go off when they, or the blocks that they come from, hold this much, so that many reads in one turn don't pile up. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
/** Chores get this share of the thread's time at most, however slow the disk is, and however busy the broker. */
const CHORES_SHARE = 0.1;
const CHORES_PAUSE_MS_MIN = 10;
/** How often it looks, after a commit, whether the file could be smaller. */
const LOOK_INTERVAL_MS = 1000;

/** Answers on their way, and how many commits have to be durable before they may go. */
interface Parcel {
  readonly message: WriterMessage;
  readonly transfer: readonly ArrayBuffer[];
  readonly commits: number;
}

class Writer {
  readonly #port: MessagePort;
  readonly #engine: SqliteEngine;
  readonly #sync: WalSync;
  readonly #parcels: Parcel[] = [];
  #answers: Answer[] = [];
  #rows: MessageRow[] = [];
  #bytes = 0;
  #chore: NodeJS.Timeout | undefined;
  #looking: NodeJS.Timeout | undefined;

  constructor(port: MessagePort, path: string) {
    this.#port = port;
    this.#engine = new SqliteEngine(path);
    this.#engine.leaveSyncsToCaller();
    this.#sync = new WalSync({
      path,
      synced: () => this.#send(),
      failed: (error) =>
        untilFailure(port, () => {
          throw error;
        }),
    });
  }

  handle(requests: readonly Request[]): void {
    for (const request of requests) {
      // What a commit has to wait for, those who asked before it need not.
      if (request.kind === 'commit') this.#pack();
      this.#answers.push(this.#answer(request));
      if (this.#bytes > ANSWER_BYTES_MAX || this.#engine.bytesRead > ANSWER_BYTES_MAX) this.#pack();
      if (request.kind === 'close') return this.#end();
    }
    this.#pack();
    this.#sync.begin();
    this.#send();
    this.planChores();
  }

  #answer(request: Request): Answer {
    const { kind } = request;
    switch (kind) {
      case 'recover':
        return { kind, recovered: this.#engine.recover() };
      case 'commit': {
        const report = this.#engine.commit(request.batch);
        release(request.batch);
        this.#sync.add();
        return { kind, report: report.size === 0 ? undefined : report };
      }
      case 'find':
        return { kind, queue: this.#engine.find(request.namespace, request.name) };
      case 'match':
        return { kind, bound: this.#engine.match(request.namespace, request.topic) };
      case 'read': {
        const { rows, more, damaged } = this.#engine.read(request.queue, request.selection, request.limits);
        for (const row of rows) {
          this.#rows.push(row);
          this.#bytes += bytesOf(row);
        }
        return { kind, count: rows.length, more, damaged };
      }
      case 'close':
        clearTimeout(this.#chore);
        clearInterval(this.#looking);
        this.#sync.close();
        this.#engine.close();
        return { kind };
      default:
        return request satisfies never;
    }
  }

  #pack(): void {
    if (this.#answers.length === 0) return;
    const messages = this.#rows.length === 0 ? undefined : packMessages(this.#rows);
    this.#engine.releaseRead();
    this.#parcels.push({
      message: { kind: 'answers', answers: this.#answers, messages },
      transfer: messages === undefined ? [] : transferOf(messages),
      commits: this.#sync.written,
    });
    this.#answers = [];
    this.#rows = [];
    this.#bytes = 0;
  }

  /** Answers keep their order: one that comes after a commit tells of it. */
  #send(): void {
    const { durable } = this.#sync;
    for (let parcel = this.#parcels[0]; parcel !== undefined && parcel.commits <= durable; parcel = this.#parcels[0]) {
      this.#parcels.shift();
      this.#port.postMessage(parcel.message, parcel.transfer);
    }
  }

  #end(): void {
    this.#pack();
    this.#send();
    this.#port.close();
  }

  planChores(pauseMs = CHORES_PAUSE_MS_MIN): void {
    this.#looking ??= setInterval(() => untilFailure(this.#port, () => this.#look()), LOOK_INTERVAL_MS);
    if (this.#chore !== undefined || !this.#engine.hasChores) return;
    this.#chore = setTimeout(() => untilFailure(this.#port, () => this.#doChore()), pauseMs);
  }

  #look(): void {
    if (this.#engine.lookForFreePages()) return this.planChores();
    clearInterval(this.#looking);
    this.#looking = undefined;
  }

  #doChore(): void {
    this.#chore = undefined;
    if (this.#sync.durable < this.#sync.written) return this.planChores();
    const began = performance.now();
    this.#engine.doChore();
    this.#sync.add();
    this.#sync.begin();
    this.planChores(Math.max(CHORES_PAUSE_MS_MIN, (performance.now() - began) / CHORES_SHARE));
  }
}

/** An error here is the end: the broker's thread is told and ends the process, and nothing that comes after is looked at. */
function untilFailure(port: MessagePort, work: () => void): void {
  try {
    work();
  } catch (error) {
    const { path } = workerData as WriterOptions;
    const { code, message } = storeErrorFrom(error, path);
    const failed: WriterMessage = { kind: 'failed', code, message, cause: error instanceof Error ? error.stack : error };
    port.postMessage(failed);
    port.close();
  }
}

function start(port: MessagePort): void {
  untilFailure(port, () => {
    const writer = new Writer(port, (workerData as WriterOptions).path);
    const ready: WriterMessage = { kind: 'ready' };
    port.postMessage(ready);
    port.on('message', (requests: Request[]) => untilFailure(port, () => writer.handle(requests)));
    writer.planChores();
  });
}

if (parentPort !== null) start(parentPort);
