/**
 * Gathers new messages and inserts them many at a time. Whoever adds must `flush` before anything else looks at the table.
 */
import type { Buffer } from 'node:buffer';
import type { PackedPublication } from './batch-codec.ts';
import { bodyChecksum, messageChecksum, stateChecksum } from './checksum.ts';
import { MESSAGE_COLUMN_COUNT, type MessageValue, type NewMessage, ROWS_PER_INSERT, type Statements } from './statements.ts';

export class MessageRows {
  readonly #statements: Statements;
  /** Used again for every INSERT, so that it is made once. */
  readonly #values: MessageValue[] = new Array<MessageValue>(ROWS_PER_INSERT * MESSAGE_COLUMN_COUNT).fill(null);
  #filled = 0;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  /** One publication's rows; a body that goes to several queues is stored once. */
  add(publication: PackedPublication): void {
    const { placements, body } = publication;
    if (placements.length > 2) {
      const sharedBody = placements[1] ?? 0;
      this.#statements.insertBody.run(sharedBody, body, bodyChecksum(sharedBody, body));
      this.#statements.insertBodyUse.run(sharedBody, placements.length / 2);
      this.#place(publication, sharedBody);
    } else {
      this.#place(publication, body);
    }
  }

  #place({ id, time, due, attributes, placements }: PackedPublication, body: Buffer | number): void {
    const values = this.#values;
    const state = stateChecksum(0, due);
    const bound = typeof body === 'number' ? BigInt(body) : body;
    for (let i = 0; i < placements.length; i += 2) {
      const queue = placements[i] ?? 0;
      const seq = placements[i + 1] ?? 0;
      values[this.#filled++] = queue;
      values[this.#filled++] = due;
      values[this.#filled++] = seq;
      values[this.#filled++] = id;
      values[this.#filled++] = time;
      values[this.#filled++] = attributes;
      values[this.#filled++] = bound;
      values[this.#filled++] = messageChecksum(queue, seq, time, id, attributes, body) + state;
      if (this.#filled < values.length) continue;
      this.#statements.insertMessages.run(values);
      this.#filled = 0;
    }
  }

  flush(): void {
    for (let at = 0; at < this.#filled; at += MESSAGE_COLUMN_COUNT) {
      this.#statements.insertMessage.run(...(this.#values.slice(at, at + MESSAGE_COLUMN_COUNT) as NewMessage));
    }
    this.#filled = 0;
  }
}
