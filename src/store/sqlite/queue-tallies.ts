/**
 * What a batch does to each queue that it touches, gathered so that a queue costs one UPDATE and neighbouring messages one
 * DELETE. Settles may wait for the end of their batch: a seq is never published after it was settled, and a `return` of a
 * message that is about to go changes nothing.
 */
import type { SharedBodies } from './shared-bodies.ts';
import type { Statements } from './statements.ts';

interface Tally {
  accepted: number;
  reach: number | null;
  /** Seqs to be deleted whose bodies are stored with them. */
  readonly settled: number[];
  /** Seq, shared body, seq, shared body … */
  readonly settledShared: number[];
}

export class QueueTallies {
  readonly #statements: Statements;
  readonly #bodies: SharedBodies;
  readonly #tallies = new Map<number, Tally>();

  constructor(statements: Statements, bodies: SharedBodies) {
    this.#statements = statements;
    this.#bodies = bodies;
  }

  accept(queue: number): void {
    this.#of(queue).accepted++;
  }

  reach(queue: number, seq: number): void {
    this.#of(queue).reach = seq;
  }

  settle(queue: number, seq: number, sharedBody: number): void {
    const tally = this.#of(queue);
    if (sharedBody === 0) tally.settled.push(seq);
    else tally.settledShared.push(seq, sharedBody);
  }

  flush(): void {
    for (const [queue, tally] of this.#tallies) {
      const deleted = this.#deleteOwn(queue, tally.settled) + this.#deleteShared(queue, tally.settledShared);
      this.#statements.tallyQueue.run(tally.accepted, deleted, tally.reach, queue);
    }
    this.#tallies.clear();
  }

  #of(queue: number): Tally {
    let tally = this.#tallies.get(queue);
    if (tally === undefined) {
      tally = { accepted: 0, reach: null, settled: [], settledShared: [] };
      this.#tallies.set(queue, tally);
    }
    return tally;
  }

  /** A run of neighbours is one statement: in runs of 8 a row costs 0.4 µs, one by one 1.2 µs. */
  #deleteOwn(queue: number, seqs: number[]): number {
    if (!isAscending(seqs)) seqs.sort((a, b) => a - b);
    let deleted = 0;
    for (let i = 0; i < seqs.length; ) {
      const first = seqs[i++] ?? 0;
      let last = first;
      for (let next = seqs[i]; next === last || next === last + 1; next = seqs[++i]) last = next;
      deleted += this.#deleteRun(queue, first, last);
    }
    return deleted;
  }

  #deleteRun(queue: number, first: number, last: number): number {
    const { deleteMessage, deleteMessages } = this.#statements;
    return first === last ? deleteMessage.run(first, queue).changes : deleteMessages.run(first, last, queue).changes;
  }

  /** One by one, to know which of them were still there and so held their body. */
  #deleteShared(queue: number, pairs: readonly number[]): number {
    let deleted = 0;
    for (let i = 0; i < pairs.length; i += 2) {
      const seq = pairs[i] ?? 0;
      if (this.#deleteRun(queue, seq, seq) === 0) continue;
      this.#bodies.release(pairs[i + 1] ?? 0);
      deleted++;
    }
    return deleted;
  }
}

function isAscending(seqs: readonly number[]): boolean {
  for (let i = 1; i < seqs.length; i++) {
    if ((seqs[i] ?? 0) < (seqs[i - 1] ?? 0)) return false;
  }
  return true;
}
