/**
 * Deletes the messages of removed queues, a bounded slice at a time, so that removing ten million never stalls a commit.
 * What is left to do is in the database itself and goes on after a restart.
 */
import { doom } from './batch-applier.ts';
import { Blocks } from './blocks.ts';
import { expectSoundQueue } from './queue-row.ts';
import { SharedBodies } from './shared-bodies.ts';
import type { DoomedRow, Statements } from './statements.ts';

const SLICE_MESSAGES_MAX = 1000;
/** Large bodies lie on pages of their own, and each of those has to be freed. */
const SLICE_BYTES_MAX = 16 * 1024 * 1024;

/** At the start: queues whose owners' connections are gone with the last run. In a transaction of the caller's. */
export function doomTransientQueues(statements: Statements): void {
  for (const queue of statements.transientQueues.all()) {
    const row = statements.readQueue.get(queue);
    if (row === undefined) continue;
    // the index alone is not to be trusted with a queue's life
    expectSoundQueue(row, { transient: 1 });
    doom(statements, queue);
  }
}

export class Removal {
  readonly #statements: Statements;
  readonly #blocks: Blocks;
  readonly #bodies: SharedBodies;

  constructor(statements: Statements) {
    this.#statements = statements;
    this.#blocks = new Blocks(statements);
    this.#bodies = new SharedBodies(statements);
  }

  get isDone(): boolean {
    return this.#statements.anyDoomedQueue.get() === undefined;
  }

  /** In a transaction of the caller's. A queue without messages is work too. */
  deleteSlice(): void {
    let messages = SLICE_MESSAGES_MAX;
    let bytes = SLICE_BYTES_MAX;
    while (messages > 0 && bytes > 0) {
      const queue = this.#statements.anyDoomedQueue.get();
      if (queue === undefined) break;
      const block = this.#statements.readDoomedBlock.get(queue);
      if (block !== undefined) {
        this.#blocks.delete(block[0]);
        bytes -= block[1];
        messages -= block[2];
        continue;
      }
      const rows = this.#readSome(queue, messages, bytes);
      messages -= rows.length + 1;
      for (const [, size] of rows) bytes -= size;
      this.#delete(queue, rows);
    }
    this.#bodies.flush();
  }

  #readSome(queue: number, messagesMax: number, bytesMax: number): DoomedRow[] {
    const rows: DoomedRow[] = [];
    let bytes = 0;
    for (const row of this.#statements.readDoomed.iterate(queue, messagesMax)) {
      rows.push(row);
      bytes += row[1];
      if (bytes > bytesMax) break;
    }
    return rows;
  }

  #delete(queue: number, rows: readonly DoomedRow[]): void {
    if (rows.length === 0) this.#statements.forgetDoomedQueue.run(queue);
    for (const [seq, , sharedBody] of rows) {
      this.#statements.deleteMessage.run(seq, queue);
      if (sharedBody !== 0) this.#bodies.release(sharedBody);
    }
  }
}
