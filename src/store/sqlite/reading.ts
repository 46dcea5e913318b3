/** Answers what the broker asks, from the tables. Changes nothing. */
import type { BoundQueue, QueueRecord, ReadLimits, Selection } from '../store.ts';
import { filterMatches, stemsOf } from '../topic-filter.ts';
import type { Blocks } from './blocks.ts';
import { queueRecordOf } from './queue-row.ts';
import type { MessageRow, Statements } from './statements.ts';

export interface ReadRows {
  readonly rows: readonly MessageRow[];
  readonly more: boolean;
}

export function findQueue(statements: Statements, namespace: string, name: string): QueueRecord | undefined {
  const row = statements.findQueue.get(namespace, name);
  return row && queueRecordOf(row);
}

export function matchTopic(statements: Statements, namespace: string, topic: string): BoundQueue[] {
  const bound: BoundQueue[] = [];
  for (const stem of stemsOf(topic)) {
    for (const binding of statements.bindingsOfStem.iterate(namespace, stem)) {
      if (filterMatches(binding.filter, topic)) bound.push(binding);
    }
  }
  return bound;
}

export function readMessages(
  statements: Statements,
  blocks: Blocks,
  queue: number,
  selection: Selection,
  limits: ReadLimits,
): ReadRows {
  const rows: MessageRow[] = [];
  let bytes = 0;
  for (const row of selectRows(statements, blocks, queue, selection, limits.messagesMax)) {
    rows.push(row);
    bytes += bodyOf(row).length;
    if (rows.length >= limits.messagesMax || bytes > limits.bytesMax) return { rows, more: true };
  }
  return { rows, more: false };
}

function bodyOf(row: MessageRow): Uint8Array {
  return row[7];
}

function selectRows(
  statements: Statements,
  blocks: Blocks,
  queue: number,
  selection: Selection,
  messagesMax: number,
): Iterable<MessageRow> {
  switch (selection.kind) {
    case 'after':
      return inOrder(blocks.after(queue, selection.seq), statements.readSameDue.iterate(queue, 0, selection.seq, messagesMax));
    case 'due':
      return selectDue(statements, queue, selection.due, selection.seq, messagesMax);
    case 'these':
      return selectThese(statements, blocks, queue, selection.seqs);
    default:
      return selection satisfies never;
  }
}

/** Both rise by seq. */
function* inOrder(a: Generator<MessageRow>, b: IterableIterator<MessageRow>): Generator<MessageRow> {
  try {
    let nextA = a.next();
    let nextB = b.next();
    while (!nextA.done || !nextB.done) {
      if (nextB.done || (!nextA.done && nextA.value[0] < nextB.value[0])) {
        yield nextA.value;
        nextA = a.next();
      } else {
        yield nextB.value;
        nextB = b.next();
      }
    }
  } finally {
    b.return?.();
  }
}

/** In two steps, as an index search on both due time and seq would step over all that have the first due time. */
function* selectDue(statements: Statements, queue: number, due: number, seq: number, messagesMax: number): Iterable<MessageRow> {
  if (due > 0) yield* statements.readSameDue.iterate(queue, due, seq, messagesMax);
  yield* statements.readLaterDue.iterate(queue, due, messagesMax);
}

function* selectThese(statements: Statements, blocks: Blocks, queue: number, seqs: readonly number[]): Iterable<MessageRow> {
  for (const seq of [...new Set(seqs)].sort((a, b) => a - b)) {
    const row = statements.readOne.get(seq, queue) ?? blocks.find(queue, seq);
    if (row !== undefined) yield row;
  }
}
