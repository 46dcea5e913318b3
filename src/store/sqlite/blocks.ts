/**
 * Messages that came together, stored as one row: an INSERT for many, and a DELETE when the last of them is settled. What is left
 * of a block in between is a set of seqs beside it.
 *
 * Must never hold a message that is delayed or was returned: those have rows of their own.
 */
import type { Buffer } from 'node:buffer';
import type { PackedPublication } from './batch-codec.ts';
import { decodeBlock, encodeBlock, sizeInBlock } from './block-format.ts';
import { SeqSet } from './seq-set.ts';
import type { BlockRow, MessageRow, Statements } from './statements.ts';

/** Fewer messages cost less as rows: a block is looked up for what is settled, and its rest written. */
export const BLOCK_MESSAGES_MIN = 8;
/** Seqs from first to last: 128 bytes of bits. */
const BLOCK_SPAN_MAX = 1024;
/** What one message that nobody settles can keep on disk of its neighbours, and what a read of one message takes up. */
const BLOCK_BYTES_MAX = 128 * 1024;

/** A block that is being taken apart. */
interface OpenBlock {
  readonly first: number;
  readonly last: number;
  readonly rest: SeqSet;
}

export class Blocks {
  readonly #statements: Statements;
  /** What was read last: messages that come back one by one lie mostly in the same block. Data never changes under its seq. */
  #lastRead: { readonly first: number; readonly data: Buffer } | undefined;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  /** Stores publications with one placement each, in `queue`, in the order of their seqs; returns those that no block suits. */
  insert(queue: number, publications: readonly PackedPublication[]): PackedPublication[] {
    const others: PackedPublication[] = [];
    for (let from = 0; from < publications.length; ) {
      const to = endOfBlock(publications, from);
      const group = publications.slice(from, to);
      if (group.length < BLOCK_MESSAGES_MIN) others.push(...group);
      else this.#insertOne(queue, group);
      from = to;
    }
    return others;
  }

  #insertOne(queue: number, publications: readonly PackedPublication[]): void {
    const first = publications[0]?.seq ?? 0;
    const last = publications.at(-1)?.seq ?? 0;
    const members = SeqSet.empty(first, last);
    for (const { seq } of publications) members.add(seq);
    this.#statements.insertBlock.run(first, last, queue, members.bits, encodeBlock(publications));
  }

  /** Takes out what is in blocks and adds the others to `elsewhere`; how many were taken out. The seqs rise. */
  settle(queue: number, seqs: readonly number[], elsewhere: number[]): number {
    let settled = 0;
    for (let i = 0; i < seqs.length; ) {
      const block = this.#around(queue, seqs[i] ?? 0);
      if (block === undefined) {
        i = this.#skipToBlock(queue, seqs, i, elsewhere);
        continue;
      }
      const before = block.rest.size;
      for (let seq = seqs[i]; seq !== undefined && seq <= block.last; seq = seqs[++i]) {
        if (!block.rest.delete(seq)) elsewhere.push(seq);
      }
      settled += before - block.rest.size;
      if (block.rest.size < before) this.#keep(block);
    }
    return settled;
  }

  /** Adds what lies before the next block, and returns where that begins. */
  #skipToBlock(queue: number, seqs: readonly number[], from: number, elsewhere: number[]): number {
    const next = this.#statements.blockFrom.get(queue, seqs[from] ?? 0)?.[0] ?? Number.POSITIVE_INFINITY;
    let at = from;
    for (let seq = seqs[at]; seq !== undefined && seq < next; seq = seqs[++at]) elsewhere.push(seq);
    return at;
  }

  /** Takes one message out, with all that it was; undefined when no block has it. */
  take(queue: number, seq: number): MessageRow | undefined {
    const block = this.#around(queue, seq);
    if (!block?.rest.has(seq)) return undefined;
    const [message] = this.#messagesOf(block.first, (at) => at === seq);
    block.rest.delete(seq);
    this.#keep(block);
    return message;
  }

  /** One message; undefined when no block has it. */
  find(queue: number, seq: number): MessageRow | undefined {
    const block = this.#around(queue, seq);
    return block?.rest.has(seq) ? this.#messagesOf(block.first, (at) => at === seq)[0] : undefined;
  }

  /** A queue's messages after this seq, block by block. */
  *after(queue: number, seq: number): Generator<MessageRow> {
    let block = this.#around(queue, seq + 1) ?? this.#from(queue, seq + 1);
    while (block !== undefined) {
      const { first, last, rest } = block;
      yield* this.#messagesOf(first, (at) => at > seq && rest.has(at));
      block = this.#from(queue, last + 1);
    }
  }

  delete(first: number): void {
    this.#statements.deleteBlock.run(first);
    this.#statements.deleteBlockRest.run(first);
  }

  #around(queue: number, seq: number): OpenBlock | undefined {
    const block = openBlock(this.#statements.blockUpTo.get(queue, seq));
    return block !== undefined && seq <= block.last ? block : undefined;
  }

  #from(queue: number, seq: number): OpenBlock | undefined {
    return openBlock(this.#statements.blockFrom.get(queue, seq));
  }

  #messagesOf(first: number, wanted: (seq: number) => boolean): MessageRow[] {
    const data = this.#dataOf(first);
    return data === undefined ? [] : [...decodeBlock(first, data, wanted)];
  }

  #dataOf(first: number): Buffer | undefined {
    if (this.#lastRead?.first === first) return this.#lastRead.data;
    const data = this.#statements.blockData.get(first);
    this.#lastRead = data && { first, data };
    return data;
  }

  #keep({ first, rest }: OpenBlock): void {
    if (rest.size === 0) this.delete(first);
    else this.#statements.keepRest.run(first, rest.bits);
  }
}

function openBlock(row: BlockRow | undefined): OpenBlock | undefined {
  if (row === undefined) return undefined;
  const [first, last, members, rest] = row;
  return { first, last, rest: SeqSet.of(first, rest ?? members) };
}

function endOfBlock(publications: readonly PackedPublication[], from: number): number {
  const first = publications[from]?.seq ?? 0;
  let bytes = 0;
  let to = from;
  for (let next = publications[to]; next !== undefined; next = publications[++to]) {
    bytes += sizeInBlock(next);
    if (to > from && (next.seq - first >= BLOCK_SPAN_MAX || bytes > BLOCK_BYTES_MAX)) break;
  }
  return to;
}
