/**
 * Applies a packed batch to the tables. Knows what each change means there; the transaction around it is the caller's.
 *
 * Must never leave anything gathered when it returns: what it reports as stored is in the transaction.
 */
import type { CommitReport, PublishVerdict } from '../store.ts';
import { stemOf } from '../topic-filter.ts';
import { type BatchVisitor, type PackedPublication, type RareChange, unpackBatch } from './batch-codec.ts';
import { Blocks } from './blocks.ts';
import { messageChecksum, queueChecksum, stateChecksum } from './checksum.ts';
import { MessageRows } from './message-rows.ts';
import type { Planes } from './planes.ts';
import { expectSoundQueue, queueRowOf } from './queue-row.ts';
import { QueueWork } from './queue-work.ts';
import { RememberedIds } from './remembered-ids.ts';
import { SharedBodies } from './shared-bodies.ts';
import type { Statements } from './statements.ts';

export class BatchApplier implements BatchVisitor {
  readonly #statements: Statements;
  readonly #blocks: Blocks;
  readonly #remembered: RememberedIds;
  readonly #bodies: SharedBodies;
  readonly #queues: QueueWork;
  #verdicts = new Map<number, PublishVerdict>();

  constructor(statements: Statements) {
    this.#statements = statements;
    this.#blocks = new Blocks(statements);
    this.#remembered = new RememberedIds(statements);
    this.#bodies = new SharedBodies(statements);
    this.#queues = new QueueWork(statements, new MessageRows(statements), this.#blocks, this.#bodies);
  }

  apply(batch: Planes): CommitReport {
    this.#verdicts = new Map();
    unpackBatch(batch, this);
    this.#queues.flush();
    this.#bodies.flush();
    this.#remembered.sweep();
    return this.#verdicts;
  }

  publish(publications: readonly PackedPublication[], index: number): void {
    const verdict = this.#remembered.judge(publications);
    if (verdict !== undefined) this.#verdicts.set(index, verdict);
    if (verdict?.kind === 'conflict') return;
    for (let i = 0; i < publications.length; i++) {
      const publication = publications[i];
      if (publication !== undefined && !verdict?.publications.has(i)) this.#queues.accept(publication);
    }
  }

  settle(queue: number, seq: number, sharedBody: number): void {
    this.#queues.settle(queue, seq, sharedBody);
  }

  return(queue: number, seq: number, attempts: number, due: number): void {
    this.#queues.place(queue);
    const state = stateChecksum(attempts, due);
    if (this.#statements.returnMessage.run(attempts, due, state, seq, queue).changes > 0) return;
    const message = this.#blocks.take(queue, seq);
    if (message === undefined) return;
    const [, , , id, time, attributes, , body] = message;
    const checksum = messageChecksum(queue, seq, time, id, attributes, body) + state;
    this.#statements.insertReturned.run(queue, due, seq, id, time, attributes, body, checksum, attempts);
  }

  reach(queue: number, seq: number): void {
    this.#queues.reach(queue, seq);
  }

  rare(change: RareChange): void {
    switch (change.kind) {
      case 'create':
        this.#statements.createQueue.run(queueRowOf(change.queue));
        this.#statements.useQueueId.run(change.queue.id, change.queue.id);
        return;
      case 'configure':
        this.#configure(change.queue, JSON.stringify(change.settings));
        return;
      case 'remove':
        doom(this.#statements, change.queue);
        return;
      case 'bind':
        this.#statements.bind.run(change.namespace, stemOf(change.filter), change.filter, change.queue);
        return;
      case 'unbind':
        this.#statements.unbind.run(change.queue, change.filter);
        return;
      case 'reserve':
        this.#statements.reserveSeq.run(change.seq, change.seq);
        return;
      default:
        change satisfies never;
    }
  }

  #configure(queue: number, settings: string): void {
    const row = this.#statements.readQueue.get(queue);
    if (row === undefined) return;
    expectSoundQueue(row);
    const { namespace, name, transient } = row;
    this.#statements.configureQueue.run(settings, queueChecksum(queue, namespace, name, settings, transient), queue);
  }
}

/** Takes a queue's record and bindings away at once; its messages follow slice by slice (`removal.ts`). */
export function doom(statements: Statements, queue: number): void {
  if (statements.deleteQueue.run(queue).changes === 0) return;
  statements.unbindAll.run(queue);
  statements.doomQueue.run(queue);
}
