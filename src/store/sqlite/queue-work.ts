/**
 * What a batch does to each queue that it touches, gathered so that a queue costs one UPDATE, messages that came together one
 * INSERT, and neighbours one DELETE. Settles may wait for the end of their batch: a seq is never published after it was
 * settled, and a `return` of a message that is about to go changes nothing.
 */
import type { PackedPublication } from './batch-codec.ts';
import type { Blocks } from './blocks.ts';
import type { MessageRows } from './message-rows.ts';
import type { SharedBodies } from './shared-bodies.ts';
import type { Statements } from './statements.ts';
import { StoreError } from './store-error.ts';

interface Work {
  accepted: number;
  reach: number | null;
  /** To be stored, one placement each, neither delayed nor with a shared body; in the order of their seqs. */
  fresh: PackedPublication[];
  /** Seqs to be deleted whose bodies are stored with them. */
  readonly settled: number[];
  /** Seq, shared body, seq, shared body … */
  readonly settledShared: number[];
}

export class QueueWork {
  readonly #statements: Statements;
  readonly #rows: MessageRows;
  readonly #blocks: Blocks;
  readonly #bodies: SharedBodies;
  readonly #works = new Map<number, Work>();

  constructor(statements: Statements, rows: MessageRows, blocks: Blocks, bodies: SharedBodies) {
    this.#statements = statements;
    this.#rows = rows;
    this.#blocks = blocks;
    this.#bodies = bodies;
  }

  accept(publication: PackedPublication): void {
    const { placements, due } = publication;
    const work = this.#of(placements[0] ?? 0);
    work.accepted++;
    if (placements.length === 2 && due === 0) {
      work.fresh.push(publication);
      return;
    }
    for (let i = 2; i < placements.length; i += 2) this.#of(placements[i] ?? 0).accepted++;
    this.#rows.add(publication);
  }

  reach(queue: number, seq: number): void {
    this.#of(queue).reach = seq;
  }

  settle(queue: number, seq: number, sharedBody: number): void {
    const work = this.#of(queue);
    if (sharedBody === 0) work.settled.push(seq);
    else work.settledShared.push(seq, sharedBody);
  }

  /** What was published to this queue so far is in its table. */
  place(queue: number): void {
    const work = this.#works.get(queue);
    if (work !== undefined) this.#place(queue, work);
    this.#rows.flush();
  }

  flush(): void {
    for (const [queue, work] of this.#works) this.#place(queue, work);
    this.#rows.flush();
    for (const [queue, work] of this.#works) {
      const deleted = this.#deleteOwn(queue, work.settled) + this.#deleteShared(queue, work.settledShared);
      this.#statements.tallyQueue.run(work.accepted, deleted, work.reach, queue);
    }
    this.#works.clear();
  }

  #of(queue: number): Work {
    let work = this.#works.get(queue);
    if (work === undefined) {
      work = { accepted: 0, reach: null, fresh: [], settled: [], settledShared: [] };
      this.#works.set(queue, work);
    }
    return work;
  }

  #place(queue: number, work: Work): void {
    if (work.fresh.length === 0) return;
    for (const publication of this.#blocks.insert(queue, work.fresh)) this.#rows.add(publication);
    work.fresh = [];
  }

  /** A run of neighbours is one statement: in runs of 8 a row costs 0.4 µs, one by one 1.2 µs. */
  #deleteOwn(queue: number, seqs: number[]): number {
    if (seqs.length === 0) return 0;
    if (!isAscending(seqs)) seqs.sort((a, b) => a - b);
    const inRows: number[] = [];
    let deleted = this.#blocks.settle(queue, seqs, inRows);
    for (let i = 0; i < inRows.length; ) {
      const first = inRows[i++] ?? 0;
      let last = first;
      for (let next = inRows[i]; next === last || next === last + 1; next = inRows[++i]) last = next;
      deleted += this.#deleteRun(queue, first, last);
    }
    if (deleted < seqs.length) this.#expectGone(queue, inRows);
    return deleted;
  }

  /**
   * What could not be deleted is to be nowhere: on a damaged page a search may miss what a read has found before, and would find
   * again after it was acknowledged. Nothing else leads here, so it may take its time.
   */
  #expectGone(queue: number, seqs: readonly number[]): void {
    const settled = new Set(seqs);
    for (const seq of this.#statements.placedSeqs.iterate(queue)) {
      if (!settled.has(seq)) continue;
      throw new StoreError('corrupt', `the database is damaged (message ${seq} can't be deleted): run \`holdfast check\``);
    }
  }

  #deleteRun(queue: number, first: number, last: number): number {
    const { deleteMessage, deleteMessages } = this.#statements;
    if (first === last) return deleteMessage.run(first, queue).changes;
    let deleted = deleteMessages.run(first, last, queue).changes;
    // on a damaged page a walk from one to the next may miss what a search for each, which is how they were read, still finds
    for (let seq = first; seq <= last && deleted <= last - first; seq++) deleted += deleteMessage.run(seq, queue).changes;
    return deleted;
  }

  /** One by one, to know which of them were still there and so held their body. */
  #deleteShared(queue: number, pairs: readonly number[]): number {
    let deleted = 0;
    for (let i = 0; i < pairs.length; i += 2) {
      const seq = pairs[i] ?? 0;
      if (this.#deleteRun(queue, seq, seq) === 0) {
        this.#expectGone(queue, [seq]);
        continue;
      }
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
