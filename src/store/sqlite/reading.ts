/** Answers what the broker asks, from the tables. Changes nothing. */
import type { BoundQueue, QueueRecord, ReadLimits, Selection } from '../store.ts';
import { filterMatches, stemsOf } from '../topic-filter.ts';
import type { Blocks } from './blocks.ts';
import { isSoundBody, isSoundMessage } from './checksum.ts';
import type { Damage, OnDamage } from './damage.ts';
import { expectSoundQueue, queueRecordOf } from './queue-row.ts';
import type { MessageRow, Statements, StoredRow } from './statements.ts';

/** What blocks may hold in memory for the messages of a read, where little is left of each: then it stops and says so. */
const BLOCK_BYTES_READ_MAX = 4 * 1024 * 1024;

export interface ReadRows {
  readonly rows: readonly MessageRow[];
  readonly more: boolean;
  /** What was left out. */
  readonly damaged: readonly Damage[];
}

export function findQueue(statements: Statements, namespace: string, name: string): QueueRecord | undefined {
  const row = statements.findQueue.get(namespace, name);
  if (row === undefined) return undefined;
  expectSoundQueue(row, { namespace, name });
  return queueRecordOf(row);
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
  const damaged: Damage[] = [];
  const onDamage: OnDamage = (what, seq) => void damaged.push({ queue, seq, what });
  let bytes = 0;
  for (const row of selectRows(statements, blocks, queue, selection, onDamage)) {
    rows.push(row);
    bytes += bodyOf(row).length;
    if (rows.length >= limits.messagesMax || bytes > limits.bytesMax || blocks.bytesRead > BLOCK_BYTES_READ_MAX)
      return { rows, more: true, damaged };
  }
  return { rows, more: false, damaged };
}

function bodyOf(row: MessageRow): Uint8Array {
  return row[7];
}

function selectRows(
  statements: Statements,
  blocks: Blocks,
  queue: number,
  selection: Selection,
  onDamage: OnDamage,
): Iterable<MessageRow> {
  switch (selection.kind) {
    case 'after':
      return inOrder(
        blocks.after(queue, selection.seq, onDamage),
        soundRows(
          statements.readSameDue.iterate(queue, 0, selection.seq),
          queue,
          { due: 0, dueMax: 0, seq: selection.seq },
          onDamage,
        ),
      );
    case 'due':
      return selectDue(statements, queue, selection.due, selection.seq, onDamage);
    case 'these':
      return selectThese(statements, blocks, queue, selection.seqs, onDamage);
    default:
      return selection satisfies never;
  }
}

/** Both rise by seq. */
function* inOrder(a: Generator<MessageRow>, b: Generator<MessageRow>): Generator<MessageRow> {
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
    b.return(undefined);
  }
}

/** In two steps, as an index search on both due time and seq would step over all that have the first due time. */
function* selectDue(statements: Statements, queue: number, due: number, seq: number, onDamage: OnDamage): Generator<MessageRow> {
  if (due > 0) yield* soundRows(statements.readSameDue.iterate(queue, due, seq), queue, { due, dueMax: due, seq }, onDamage);
  const later = { due: due + 1, dueMax: Number.POSITIVE_INFINITY, seq: 0 };
  yield* soundRows(statements.readLaterDue.iterate(queue, due), queue, later, onDamage);
}

function* selectThese(
  statements: Statements,
  blocks: Blocks,
  queue: number,
  seqs: readonly number[],
  onDamage: OnDamage,
): Generator<MessageRow> {
  for (const seq of [...new Set(seqs)].sort((a, b) => a - b)) {
    const stored = statements.readOne.get(seq, queue);
    if (stored !== undefined && !isSoundRow(stored, queue)) onDamage('message', seq);
    else {
      const row = stored === undefined ? blocks.find(queue, seq, onDamage) : messageOf(stored);
      if (row !== undefined) yield row;
    }
  }
}

/** Where rows are to lie: after this place, and not later than that. */
interface Stretch {
  readonly due: number;
  readonly seq: number;
  readonly dueMax: number;
}

/**
 * Rows as an index gives them, in the order of their due time and then their seq. What is not where the index says,
 * or comes twice, is left out with what is not as it was stored.
 */
function* soundRows(
  rows: IterableIterator<StoredRow>,
  queue: number,
  stretch: Stretch,
  onDamage: OnDamage,
): Generator<MessageRow> {
  let [lastDue, lastSeq] = [stretch.due, stretch.seq];
  for (const row of rows) {
    const [seq, , due] = row;
    const isInOrder = due <= stretch.dueMax && (due > lastDue || (due === lastDue && seq > lastSeq));
    if (!isInOrder || !isSoundRow(row, queue)) onDamage('message', seq);
    else {
      [lastDue, lastSeq] = [due, seq];
      yield messageOf(row);
    }
  }
}

function isSoundRow(row: StoredRow, queue: number): boolean {
  const [seq, attempts, due, id, time, attributes, sharedBody, body, itsQueue, checksum, bodySum] = row;
  if (itsQueue !== queue) return false;
  if (sharedBody !== 0 && !isSoundBody(sharedBody, body, bodySum)) return false;
  return isSoundMessage(queue, seq, time, id, attributes, sharedBody === 0 ? body : sharedBody, attempts, due, checksum);
}

function messageOf([seq, attempts, due, id, time, attributes, sharedBody, body]: StoredRow): MessageRow {
  return [seq, attempts, due, id, time, attributes, sharedBody, body];
}
