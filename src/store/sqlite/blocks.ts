/**
 * Messages that came together, stored as one row: an INSERT for many, and a DELETE when the last of them is settled. What is left
 * of a block in between is a set of seqs beside it.
 *
 * Must never hold a message that is delayed or was returned: those have rows of their own. Must never give out a message of a block
 * that is not what was stored.
 */
import type { Buffer } from 'node:buffer';
import type { PackedPublication } from './batch-codec.ts';
import { decodeBlock, encodeBlock, sizeInBlock } from './block-format.ts';
import { blockChecksum, blockPlaceChecksum, isSoundBlock } from './checksum.ts';
import type { OnDamage } from './damage.ts';
import { SeqSet } from './seq-set.ts';
import type { BlockRow, MessageRow, Statements } from './statements.ts';
import { StoreError } from './store-error.ts';

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
  readonly queue: number;
  /** Undefined when it is another queue's, or nobody can say which messages are left: then it is neither read nor changed. */
  readonly rest: SeqSet | undefined;
}

interface BlockData {
  readonly first: number;
  readonly data: Buffer<ArrayBuffer>;
}

export class Blocks {
  readonly #statements: Statements;
  /** What was read last: messages that come back one by one lie mostly in the same block. Data never changes under its seq. */
  #lastRead: BlockData | undefined;
  /** What was read before it and may still be looked at. */
  readonly #passed: Buffer<ArrayBuffer>[] = [];
  #passedBytes = 0;

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
    const { bits } = membersOf(publications, first, last);
    const data = encodeBlock(publications);
    const place = blockPlaceChecksum(first, last, queue);
    this.#statements.insertBlock.run(first, last, queue, blockChecksum(place, data), data);
    this.#statements.insertBlockRest.run(first, bits, blockChecksum(place, bits));
    release(data);
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
      const { last, rest } = block;
      const before = rest?.size ?? 0;
      for (let seq = seqs[i]; seq !== undefined && seq <= last; seq = seqs[++i]) {
        if (rest?.delete(seq) !== true) elsewhere.push(seq);
      }
      if (rest === undefined || rest.size === before) continue;
      settled += before - rest.size;
      this.#keep(block, rest);
    }
    return settled;
  }

  /** Adds what lies before the next block, the first seq in any case, and returns where that begins. */
  #skipToBlock(queue: number, seqs: readonly number[], from: number, elsewhere: number[]): number {
    const next = this.#statements.blockFrom.get(queue, seqs[from] ?? 0)?.[0] ?? Number.POSITIVE_INFINITY;
    let at = from;
    let seq = seqs[at];
    do {
      elsewhere.push(seq ?? 0);
      seq = seqs[++at];
    } while (seq !== undefined && seq < next);
    return at;
  }

  /**
   * Takes one message out, with all that it was, good until the next is taken; undefined when no block has it, or it is damaged: a
   * read says so. Whoever takes is done with what was read.
   */
  take(queue: number, seq: number): MessageRow | undefined {
    this.releaseRead();
    const block = this.#around(queue, seq);
    if (!block?.rest?.has(seq)) return undefined;
    const [message] = this.#messagesOf(block, (at) => at === seq) ?? [];
    if (message === undefined) return undefined;
    block.rest.delete(seq);
    this.#keep(block, block.rest);
    return message;
  }

  /** One message; undefined when no block has it. */
  find(queue: number, seq: number, onDamage: OnDamage): MessageRow | undefined {
    const block = this.#around(queue, seq);
    if (block === undefined) return undefined;
    return this.#soundMessagesOf(block, (at) => at === seq, onDamage)[0];
  }

  /** A queue's messages after this seq, block by block. */
  *after(queue: number, seq: number, onDamage: OnDamage): Generator<MessageRow> {
    let block = this.#around(queue, seq + 1) ?? this.#from(queue, seq + 1);
    while (block !== undefined) {
      const { first, last } = block;
      let isDamaged = false;
      yield* this.#soundMessagesOf(
        block,
        (at) => at > seq,
        (...damage) => {
          isDamaged = true;
          onDamage(...damage);
        },
      );
      // where a damaged block ends is not known
      block = this.#from(queue, (isDamaged ? first : last) + 1);
    }
  }

  /** Gives back the memory of what was read: no message that came of it may be looked at any more. */
  releaseRead(): void {
    for (const data of this.#passed.splice(0)) release(data);
    this.#passedBytes = 0;
  }

  /** What `releaseRead` would give back. */
  get bytesRead(): number {
    return this.#passedBytes;
  }

  delete(first: number): { readonly changes: number } {
    const { changes } = this.#statements.deleteBlock.run(first);
    return { changes: Math.min(changes, this.#statements.deleteBlockRest.run(first).changes) };
  }

  #around(queue: number, seq: number): OpenBlock | undefined {
    const block = openBlock(queue, this.#statements.blockUpTo.get(queue, seq));
    return block !== undefined && seq <= block.last ? block : undefined;
  }

  #from(queue: number, seq: number): OpenBlock | undefined {
    return openBlock(queue, this.#statements.blockFrom.get(queue, seq));
  }

  /** Those that are left and wanted; none when the block is not what was stored in this queue. */
  #soundMessagesOf(block: OpenBlock, wanted: (seq: number) => boolean, onDamage: OnDamage): MessageRow[] {
    const { first, rest } = block;
    const messages = rest && this.#messagesOf(block, (at) => wanted(at) && rest.has(at));
    if (messages !== undefined) return messages;
    onDamage('block', first);
    return [];
  }

  /** Undefined when its data is damaged. */
  #messagesOf(block: OpenBlock, wanted: (seq: number) => boolean): MessageRow[] | undefined {
    const data = this.#dataOf(block);
    return data && [...decodeBlock(block.first, data, wanted)];
  }

  #dataOf({ first, last, queue }: OpenBlock): Buffer<ArrayBuffer> | undefined {
    if (this.#lastRead?.first === first) return this.#lastRead.data;
    const row = this.#statements.blockData.get(first);
    if (row === undefined || !isSoundBlock(first, last, queue, ...row)) return undefined;
    if (this.#lastRead !== undefined) {
      this.#passed.push(this.#lastRead.data);
      this.#passedBytes += this.#lastRead.data.length;
    }
    this.#lastRead = { first, data: row[0] };
    return row[0];
  }

  #keep({ first, last, queue }: OpenBlock, rest: SeqSet): void {
    const { bits } = rest;
    const { changes } =
      rest.size === 0
        ? this.delete(first)
        : this.#statements.keepBlockRest.run(bits, blockChecksum(blockPlaceChecksum(first, last, queue), bits), first);
    // it was read just now: where it can't be found, something is wrong with the page, and an `ok` would not be true
    if (changes === 0) throw new StoreError('corrupt', `the database is damaged (block ${first}): run \`holdfast check\``);
  }
}

function openBlock(queue: number, row: BlockRow | undefined): OpenBlock | undefined {
  if (row === undefined) return undefined;
  const [first, last, itsQueue, rest, checksum] = row;
  const isSound = itsQueue === queue && isSoundBlock(first, last, queue, rest, checksum);
  return { first, last: last ?? first, queue, rest: isSound && rest !== null ? SeqSet.of(first, rest) : undefined };
}

/** Both SQLite and `encodeBlock` give each block memory of its own. Left to the collector it stays for long (docs/decisions/0011). */
function release(data: Buffer<ArrayBuffer>): void {
  data.buffer.transfer(0);
}

function membersOf(publications: readonly PackedPublication[], first: number, last: number): SeqSet {
  const members = SeqSet.empty(first, last);
  for (const { seq } of publications) members.add(seq);
  return members;
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
