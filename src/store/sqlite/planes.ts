/**
 * The two planes in which bulk crosses between the broker's thread and the writer's: one of numbers, one of bytes. Both are
 * filled from front to back and read in the same order, and their memory is handed over, never copied.
 *
 * Knows nothing of what is packed. Whoever writes works out the exact sizes first.
 */
import { Buffer } from 'node:buffer';
import type { ByteString } from '../store.ts';

/** As it goes through `postMessage`, with `transferOf` as its transfer list. */
export interface Planes {
  readonly numbers: ArrayBuffer;
  readonly bytes: ArrayBuffer;
}

export function transferOf(planes: Planes): ArrayBuffer[] {
  return [planes.numbers, planes.bytes];
}

/** Gives their memory back, once all is read; left to the collector it stays for long (docs/decisions/0011). */
export function release(planes: Planes): void {
  for (const plane of transferOf(planes)) plane.transfer(0);
}

export class PlaneWriter {
  readonly #numbers: Float64Array<ArrayBuffer>;
  readonly #bytes: Buffer<ArrayBuffer>;
  #nextNumber = 0;
  #nextByte = 0;

  constructor(numberCount: number, byteCount: number) {
    this.#numbers = new Float64Array(numberCount);
    // Not from the pool: that one's memory is shared and can't be handed over.
    this.#bytes = Buffer.allocUnsafeSlow(byteCount);
  }

  number(value: number): void {
    this.#numbers[this.#nextNumber++] = value;
  }

  byteString(text: ByteString): void {
    this.#nextByte += this.#bytes.latin1Write(text, this.#nextByte, text.length);
  }

  /** `length` is the text's length in UTF-8. */
  text(text: string, length: number): void {
    this.#nextByte += this.#bytes.write(text, this.#nextByte, length, 'utf8');
  }

  bytes(source: Uint8Array): void {
    this.#bytes.set(source, this.#nextByte);
    this.#nextByte += source.length;
  }

  /** Hands the planes out. A size that was worked out wrongly would shift everything after it, so it ends here. */
  finish(): Planes {
    if (this.#nextNumber !== this.#numbers.length || this.#nextByte !== this.#bytes.length) {
      throw new RangeError('planes were sized for other contents than they were given');
    }
    return { numbers: this.#numbers.buffer, bytes: this.#bytes.buffer };
  }
}

export class PlaneReader {
  readonly #numbers: Float64Array;
  readonly #bytes: Buffer<ArrayBuffer>;
  #nextNumber = 0;
  #nextByte = 0;

  constructor(planes: Planes) {
    this.#numbers = new Float64Array(planes.numbers);
    this.#bytes = Buffer.from(planes.bytes);
  }

  number(): number {
    const value = this.#numbers[this.#nextNumber++];
    if (value === undefined) throw new RangeError('read past the end of the numbers');
    return value;
  }

  /** Where bytes are that are looked at later, if at all: an offset into `plane`. */
  skip(length: number): number {
    const at = this.#nextByte;
    this.#nextByte += length;
    return at;
  }

  get plane(): Buffer {
    return this.#bytes;
  }

  byteString(length: number): ByteString {
    return this.#bytes.latin1Slice(this.#nextByte, (this.#nextByte += length));
  }

  text(length: number): string {
    return this.#bytes.toString('utf8', this.#nextByte, (this.#nextByte += length));
  }

  /** A view, good for as long as the planes are. */
  bytes(length: number): Buffer {
    return this.#bytes.subarray(this.#nextByte, (this.#nextByte += length));
  }
}
