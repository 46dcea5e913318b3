/**
 * Makes the ids of messages: UUIDs of version 7 (RFC 9562, section 5.7), which sort by time. In one millisecond they go on
 * counting (section 6.2, method 1), and what is random in them comes from a pool: asking the system for 16 bytes at a time costs
 * more than all the rest of a message's way through this thread (2.3 of 8 µs here).
 */
import { v4, v7 } from 'uuid';

const POOL_BYTES = 16_384;
/** The bytes of an id that are not its time and its count. */
const RANDOM_BYTES = 6;
const RANDOM_AT = 10;

/** Fills bytes with random ones that nobody can guess. */
export type FillRandom = (bytes: Uint8Array) => void;

export class MessageIds {
  readonly #fillRandom: FillRandom;
  readonly #pool = Buffer.allocUnsafeSlow(POOL_BYTES);
  #used = POOL_BYTES;
  readonly #options = { msecs: 0, seq: 0, random: new Uint8Array(16) };

  constructor(fillRandom: FillRandom) {
    this.#fillRandom = fillRandom;
  }

  /** A name for a client that has none: a UUID of version 4, which nobody can guess. */
  clientName(): string {
    const random = new Uint8Array(16);
    this.#fillRandom(random);
    return `anonymous-${v4({ random })}`;
  }

  /** `time` in whole ms since 1970. */
  next(time: number): string {
    const options = this.#options;
    if (this.#used + RANDOM_BYTES + 4 > POOL_BYTES) {
      this.#fillRandom(this.#pool);
      this.#used = 0;
    }
    if (time > options.msecs) {
      options.msecs = time;
      // the highest bit stays free, so that the count can't run over within its millisecond
      options.seq = this.#pool.readUInt32LE(this.#used) >>> 1;
      this.#used += 4;
    } else {
      options.seq++;
    }
    for (let i = 0; i < RANDOM_BYTES; i++) options.random[RANDOM_AT + i] = this.#pool[this.#used + i] ?? 0;
    this.#used += RANDOM_BYTES;
    return v7(options);
  }
}
