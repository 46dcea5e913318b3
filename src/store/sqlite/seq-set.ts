/** A set of seqs close to each other, as bits: bit `i` (from the least significant one of the first byte) is the seq `first + i`. */
import { Buffer } from 'node:buffer';

export class SeqSet {
  readonly first: number;
  readonly bits: Buffer;
  #size: number;

  private constructor(first: number, bits: Buffer, size: number) {
    this.first = first;
    this.bits = bits;
    this.#size = size;
  }

  /** Room for the seqs from first to last, none of them in it. */
  static empty(first: number, last: number): SeqSet {
    return new SeqSet(first, Buffer.alloc(((last - first) >> 3) + 1), 0);
  }

  /** Changes the bits that it is given. */
  static of(first: number, bits: Buffer): SeqSet {
    return new SeqSet(first, bits, countBits(bits));
  }

  get size(): number {
    return this.#size;
  }

  has(seq: number): boolean {
    const at = seq - this.first;
    return at >= 0 && ((this.bits[at >> 3] ?? 0) & (1 << (at & 7))) !== 0;
  }

  add(seq: number): void {
    if (this.has(seq)) return;
    this.#flip(seq);
    this.#size++;
  }

  /** Was it in the set? */
  delete(seq: number): boolean {
    if (!this.has(seq)) return false;
    this.#flip(seq);
    this.#size--;
    return true;
  }

  #flip(seq: number): void {
    const at = seq - this.first;
    this.bits[at >> 3] = (this.bits[at >> 3] ?? 0) ^ (1 << (at & 7));
  }
}

export function countBits(bits: Uint8Array): number {
  let count = 0;
  for (const byte of bits) {
    for (let rest = byte; rest !== 0; rest &= rest - 1) count++;
  }
  return count;
}
