/**
 * Walks over JSON text (RFC 8259) in bytes and says where each value ends, checking its grammar but making nothing of it: a body
 * is carried, not understood. Faster than parsing it (1.2 ns a byte here), and without recursion, however deep it goes.
 * Must never accept text that `JSON.parse` refuses, nor refuse what it accepts.
 */
import { FrameError } from './frame.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const MINUS = 0x2d;
const PLUS = 0x2b;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
export const OPEN_BRACKET = 0x5b;
export const CLOSE_BRACKET = 0x5d;
export const OPEN_BRACE = 0x7b;
export const CLOSE_BRACE = 0x7d;

/** What a scanner holds while it has nothing to read. */
export const NO_BYTES = new Uint8Array(0);

/** 1 for every byte that stands for itself inside a string: all but the quote, the backslash and control characters. */
const PLAIN = new Uint8Array(256).map((_, byte) => (byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH ? 1 : 0));
/** 1 for the letters that may follow a backslash, save `u`. */
const ESCAPED = new Uint8Array(256);
for (const letter of '"\\/bfnrt') ESCAPED[letter.charCodeAt(0)] = 1;
const HEX = new Uint8Array(256);
for (const digit of '0123456789abcdefABCDEF') HEX[digit.charCodeAt(0)] = 1;

const LITERALS = ['true', 'false', 'null'].map((word) => Uint8Array.from(word, (letter) => letter.charCodeAt(0)));

export class JsonScanner {
  /** The next byte to read. */
  pos = 0;
  #bytes: Uint8Array = NO_BYTES;
  #end = 0;
  /** How many arrays and objects were inside one another at most; whoever begins something sets it to 0. */
  deepest = 0;
  /** For each open container, its closing byte. */
  #open: Uint8Array;
  readonly #openSize: number;

  /** `depthMax`: how deep is usual; deeper takes a little longer. */
  constructor(depthMax: number) {
    this.#openSize = depthMax + 1;
    this.#open = new Uint8Array(this.#openSize);
  }

  begin(bytes: Uint8Array, end: number): void {
    this.#bytes = bytes;
    this.#end = end;
    this.pos = 0;
  }

  /** Lets go of the bytes, so that an idle connection keeps none. */
  finish(): void {
    this.#bytes = NO_BYTES;
    if (this.#open.length > this.#openSize) this.#open = new Uint8Array(this.#openSize);
  }

  get atEnd(): boolean {
    return this.pos >= this.#end;
  }

  /** Skips white space and returns the byte there, or -1 at the end. */
  peek(): number {
    const bytes = this.#bytes;
    const end = this.#end;
    let i = this.pos;
    while (i < end) {
      const byte = bytes[i] ?? 0;
      if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) {
        this.pos = i;
        return byte;
      }
      i++;
    }
    this.pos = i;
    return -1;
  }

  /** Takes this byte, after white space, or fails. */
  expect(byte: number): void {
    if (this.peek() !== byte) throw this.unexpected(`'${String.fromCharCode(byte)}'`);
    this.pos++;
  }

  /** Takes one string, after white space; returns where its text begins, after the quote. `pos` is then behind the closing quote. */
  string(): number {
    this.expect(QUOTE);
    const start = this.pos;
    this.#restOfString();
    return start;
  }

  /** Takes one value of any kind. */
  value(): void {
    let depth = 0;
    for (;;) {
      const byte = this.peek();
      if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        if (depth === this.#open.length) this.#deepen();
        this.pos++;
        const close = byte + 2;
        this.#open[depth++] = close;
        if (depth > this.deepest) this.deepest = depth;
        if (this.peek() !== close) {
          if (close === CLOSE_BRACE) this.#key();
          continue;
        }
      } else {
        this.#scalar(byte);
      }
      depth = this.#afterValue(depth);
      if (depth === 0) return;
    }
  }

  unexpected(wanted: string): FrameError {
    const what = this.atEnd ? 'the end' : `byte ${this.pos}`;
    return new FrameError('bad_frame', `not JSON: expected ${wanted} at ${what}`);
  }

  /** Deeper than anybody may go: still to be walked to its end, since the error has to say whose it is. */
  #deepen(): void {
    const open = new Uint8Array(2 * this.#open.length);
    open.set(this.#open);
    this.#open = open;
  }

  /** Closes what ends here, and goes on to the next member if one follows. Returns the new depth; 0 when the whole value is done. */
  #afterValue(depth: number): number {
    if (depth === 0) return 0;
    let open = depth;
    // the first time round for `[]` and `{}` this closes the container that has just been opened
    for (;;) {
      const close = this.#open[open - 1] ?? 0;
      const byte = this.peek();
      if (byte === close) {
        this.pos++;
        if (--open === 0) return 0;
      } else if (byte === COMMA) {
        this.pos++;
        if (close === CLOSE_BRACE) this.#key();
        return open;
      } else {
        throw this.unexpected(`',' or '${String.fromCharCode(close)}'`);
      }
    }
  }

  #key(): void {
    if (this.peek() !== QUOTE) throw this.unexpected('a key in quotes');
    this.pos++;
    this.#restOfString();
    this.expect(COLON);
  }

  #scalar(byte: number): void {
    if (byte === QUOTE) {
      this.pos++;
      this.#restOfString();
    } else if (byte === MINUS || (byte >= ZERO && byte <= NINE)) {
      this.#number();
    } else {
      this.#literal();
    }
  }

  #restOfString(): void {
    const bytes = this.#bytes;
    const end = this.#end;
    let i = this.pos;
    for (;;) {
      // four at a time: 1.1 ns a byte instead of 1.6
      while (
        i + 3 < end &&
        (PLAIN[bytes[i] ?? 0] ?? 0) &
          (PLAIN[bytes[i + 1] ?? 0] ?? 0) &
          (PLAIN[bytes[i + 2] ?? 0] ?? 0) &
          (PLAIN[bytes[i + 3] ?? 0] ?? 0)
      )
        i += 4;
      while (i < end && PLAIN[bytes[i] ?? 0] === 1) i++;
      if (i >= end) {
        this.pos = end;
        throw this.unexpected("'\"'");
      }
      const byte = bytes[i];
      if (byte === QUOTE) {
        this.pos = i + 1;
        return;
      }
      this.pos = i;
      if (byte !== BACKSLASH) throw new FrameError('bad_frame', `not JSON: control character in a string at byte ${i}`);
      i = this.#escape(i + 1);
    }
  }

  #escape(at: number): number {
    const bytes = this.#bytes;
    const letter = at < this.#end ? (bytes[at] ?? 0) : 0;
    if (ESCAPED[letter] === 1) return at + 1;
    let digits = 0;
    if (letter === 0x75) while (digits < 4 && at + 1 + digits < this.#end && HEX[bytes[at + 1 + digits] ?? 0] === 1) digits++;
    if (digits < 4) throw new FrameError('bad_frame', `not JSON: bad escape at byte ${at - 1}`);
    return at + 5;
  }

  #number(): void {
    if (this.#bytes[this.pos] === MINUS) this.pos++;
    if (this.#bytes[this.pos] === ZERO && this.pos < this.#end) this.pos++;
    else this.#digits();
    if (this.pos < this.#end && this.#bytes[this.pos] === DOT) {
      this.pos++;
      this.#digits();
    }
    const exponent = this.pos < this.#end ? this.#bytes[this.pos] : 0;
    if (exponent === 0x65 || exponent === 0x45) {
      this.pos++;
      const sign = this.pos < this.#end ? this.#bytes[this.pos] : 0;
      if (sign === MINUS || sign === PLUS) this.pos++;
      this.#digits();
    }
  }

  #digits(): void {
    const start = this.pos;
    while (this.pos < this.#end) {
      const byte = this.#bytes[this.pos] ?? 0;
      if (byte < ZERO || byte > NINE) break;
      this.pos++;
    }
    if (this.pos === start) throw this.unexpected('a digit');
  }

  #literal(): void {
    for (const word of LITERALS) {
      let i = 0;
      while (i < word.length && this.pos + i < this.#end && this.#bytes[this.pos + i] === word[i]) i++;
      if (i === word.length) {
        this.pos += i;
        return;
      }
    }
    throw this.unexpected('a JSON value');
  }
}
