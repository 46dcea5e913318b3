/**
 * The members of one JSON object of a frame: where each known one lies in the bytes, and readers that turn one into a value or
 * fail with an error that names the field and says what it should be.
 */
import { FrameError } from './frame.ts';
import { CLOSE_BRACE, CLOSE_BRACKET, type JsonScanner, NO_BYTES, OPEN_BRACE, OPEN_BRACKET } from './json-scanner.ts';
import { equals, WordTable } from './word-table.ts';

/** Every field of every frame; at most 31, so that a set of them is one small integer. */
const FIELD_NAMES = [
  'type',
  'ref',
  'client',
  'token',
  'grace',
  'arrays',
  'queue',
  'topic',
  'topics',
  'body',
  'id',
  'headers',
  'delay',
  'ttl',
  'priority',
  'group',
  'replyTo',
  'correlation',
  'exceptSelf',
  'messages',
  'prefetch',
  'autoAck',
  'ids',
  'reject',
  'reason',
  'ms',
  'ack',
  'publish',
  'lease',
  'backoff',
] as const;
export type FieldName = (typeof FIELD_NAMES)[number];

const FIELDS = new WordTable(FIELD_NAMES);
const INDEX = new Map<FieldName, number>(FIELD_NAMES.map((name, index) => [name, index]));
const indexOf = (name: FieldName): number => INDEX.get(name) ?? 0;

/** A field's place, looked up once when the module loads. */
export type Field = number;
export const field: { readonly [Name in FieldName]: Field } = Object.fromEntries(INDEX) as { [Name in FieldName]: Field };
/** A set of fields, as a mask. */
export type FieldSet = number;
export const fieldSet = (...names: readonly FieldName[]): FieldSet => names.reduce((set, name) => set | (1 << indexOf(name)), 0);

/** Makes a string of bytes: of characters (UTF-8) in a client, of single bytes (ISO 8859-1) in the broker. */
export type Slice = (bytes: Uint8Array, start: number, end: number) => string;

const QUOTE = 0x22;
/** What an error shows of a value that is wrong, and of how many bytes it takes that. */
const SHOWN_CHARACTERS_MAX = 40;
const SHOWN_BYTES_MAX = 4 * (SHOWN_CHARACTERS_MAX + 1);
const utf8 = new TextDecoder();

export class Members {
  present: FieldSet = 0;
  /** The first member whose key is no field of any frame. */
  #unknown: string | undefined;
  readonly #starts = new Int32Array(FIELD_NAMES.length);
  readonly #ends = new Int32Array(FIELD_NAMES.length);
  #bytes: Uint8Array = NO_BYTES;
  #objectStart = 0;
  /** The object's whole text, when it has no other objects of interest inside: one slice for all fields is the quickest. */
  #text = '';
  readonly #slice: Slice;
  readonly #scanner: JsonScanner;
  #lastName = '';
  #lastForm: ((text: string) => boolean) | undefined;

  constructor(scanner: JsonScanner, slice: Slice) {
    this.#scanner = scanner;
    this.#slice = slice;
  }

  /**
   * Takes one object. `nested` is called where a member holds objects that want reading of their own (`messages`): it must take
   * that value, or return false to have it taken like any other.
   */
  read(bytes: Uint8Array, nested: ((field: Field) => boolean) | undefined): void {
    const scanner = this.#scanner;
    this.#bytes = bytes;
    this.present = 0;
    this.#unknown = undefined;
    let sliced = true;
    let repeated: string | undefined;
    scanner.expect(OPEN_BRACE);
    this.#objectStart = scanner.pos - 1;
    if (scanner.peek() === CLOSE_BRACE) scanner.pos++;
    else {
      for (;;) {
        const at = this.#key();
        scanner.peek();
        const start = scanner.pos;
        if (at >= 0 && nested?.(at) === true) sliced = false;
        else scanner.value();
        if (at >= 0) {
          if ((this.present & (1 << at)) !== 0) repeated ??= FIELD_NAMES[at];
          this.present |= 1 << at;
          this.#starts[at] = start;
          this.#ends[at] = scanner.pos;
        }
        if (scanner.peek() === CLOSE_BRACE) break;
        scanner.expect(0x2c);
      }
      scanner.pos++;
    }
    this.#text = sliced ? this.#slice(bytes, this.#objectStart, scanner.pos) : '';
    if (repeated !== undefined) this.#unknown = `${repeated} is given twice`;
  }

  /** Lets go of the text, so that an idle connection keeps none. */
  finish(): void {
    this.#bytes = NO_BYTES;
    this.#text = '';
  }

  has(at: Field): boolean {
    return (this.present & (1 << at)) !== 0;
  }

  /** Fails when there is a member that this frame does not have. */
  only(allowed: FieldSet, unsupported: FieldSet, what: string): void {
    if (this.#unknown !== undefined) throw new FrameError('bad_field', `${what}: ${this.#unknown}`);
    const extra = this.present & ~allowed;
    if (extra === 0) return;
    const name = FIELD_NAMES[31 - Math.clz32(extra & -extra)] ?? '';
    if ((extra & unsupported) !== 0)
      throw new FrameError('unsupported', `${name} is not supported by this broker yet; leave it out`);
    throw new FrameError('bad_field', `${what} has no field ${name}`);
  }

  /** The JSON text of a member, as it came. */
  raw(at: Field): string {
    const start = this.#starts[at] ?? 0;
    const end = this.#ends[at] ?? 0;
    if (this.#text === '') return this.#slice(this.#bytes, start, end);
    return this.#text.slice(start - this.#objectStart, end - this.#objectStart);
  }

  rawLength(at: Field): number {
    return (this.#ends[at] ?? 0) - (this.#starts[at] ?? 0);
  }

  firstByte(at: Field): number {
    return this.#bytes[this.#starts[at] ?? 0] ?? 0;
  }

  /** Any string, decoded. */
  string(at: Field, form: string): string {
    if (this.firstByte(at) !== QUOTE) throw this.wrong(at, form);
    return JSON.parse(utf8.decode(this.#bytes.subarray(this.#starts[at], this.#ends[at]))) as string;
  }

  /** A string of a given form, which must be plain ASCII. */
  text(at: Field, isForm: (text: string) => boolean, form: string): string {
    if (this.firstByte(at) !== QUOTE) throw this.wrong(at, form);
    const raw = this.raw(at);
    const text = raw.includes('\\') ? this.string(at, form) : raw.slice(1, -1);
    if (!isForm(text)) throw this.wrong(at, form);
    return text;
  }

  /** The same for names, which outlive the frame; the last one is remembered, since most frames of a connection name one queue. */
  name(at: Field, isForm: (text: string) => boolean, form: string): string {
    const last = this.#lastName;
    const start = this.#starts[at] ?? 0;
    if (isForm === this.#lastForm && this.rawLength(at) === last.length + 2 && this.firstByte(at) === QUOTE) {
      if (equals(last, this.#bytes, start + 1)) return last;
    }
    const text = this.text(at, isForm, form);
    // a copy of its own: a slice of the frame's text would keep all of it in memory for as long as the name is used
    const copy = this.#slice(this.#bytes, start + 1, (this.#ends[at] ?? 0) - 1);
    this.#lastName = copy === text ? copy : text;
    this.#lastForm = isForm;
    return this.#lastName;
  }

  /** The index of a string in a table, or -1. */
  word<Word extends string>(at: Field, table: WordTable<Word>): number {
    if (this.firstByte(at) !== QUOTE) return -1;
    return table.find(this.#bytes, (this.#starts[at] ?? 0) + 1, (this.#ends[at] ?? 0) - 1);
  }

  integer(at: Field, min: number, max: number, unit: string): number {
    const raw = this.raw(at);
    const value = /^-?\d{1,16}$/.test(raw) ? Number(raw) : Number.NaN;
    if (!(value >= min && value <= max)) throw this.wrong(at, `a whole number${unit} from ${min} to ${max}`);
    return value;
  }

  boolean(at: Field): boolean {
    const raw = this.raw(at);
    if (raw !== 'true' && raw !== 'false') throw this.wrong(at, 'true or false');
    return raw === 'true';
  }

  /** An array of strings of a given form, with its length between 1 and `max`. */
  strings(at: Field, max: number, limit: string, isForm: (text: string) => boolean, form: string): string[] {
    if (this.firstByte(at) !== OPEN_BRACKET) throw this.wrong(at, `an array of 1 to ${max}, each ${form}`);
    const list = JSON.parse(this.raw(at)) as unknown[];
    if (list.length > max)
      throw new FrameError('too_large', `${this.nameOf(at)} has ${list.length} members; the limit ${limit} is ${max}`);
    if (list.length === 0 || !list.every((item) => typeof item === 'string' && isForm(item))) {
      throw this.wrong(at, `an array of 1 to ${max}, each ${form}`);
    }
    return list as string[];
  }

  /** Walks over an object's members or an array's; `each` takes one, the scanner standing before it. Returns how many. */
  walk(at: Field, each: (index: number) => void): number {
    const scanner = this.#scanner;
    const resume = scanner.pos;
    scanner.pos = this.#starts[at] ?? 0;
    const close = scanner.peek() === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET;
    scanner.pos++;
    let count = 0;
    if (scanner.peek() !== close) {
      do each(count++);
      while (scanner.peek() !== close && scanner.pos++ >= 0);
    }
    scanner.pos = resume;
    return count;
  }

  wrong(at: Field, form: string): FrameError {
    const start = this.#starts[at] ?? 0;
    const raw = utf8.decode(this.#bytes.subarray(start, Math.min(this.#ends[at] ?? 0, start + SHOWN_BYTES_MAX)));
    const shown = raw.length > SHOWN_CHARACTERS_MAX ? `${raw.slice(0, SHOWN_CHARACTERS_MAX).toWellFormed()}…` : raw;
    return new FrameError('bad_field', `${this.nameOf(at)} must be ${form}, and is ${shown}`);
  }

  nameOf(at: Field): FieldName {
    return FIELD_NAMES[at] ?? 'type';
  }

  /** Takes a key and its colon. Returns the field, or -1 for a key that no frame has. */
  #key(): Field {
    const scanner = this.#scanner;
    if (scanner.peek() !== QUOTE) throw scanner.unexpected('a key in quotes');
    const start = scanner.string();
    const end = scanner.pos - 1;
    scanner.expect(0x3a);
    const at = FIELDS.find(this.#bytes, start, end);
    if (at >= 0) return at;
    // a key may be written with escapes, which only a real parser undoes
    const key = JSON.parse(utf8.decode(this.#bytes.subarray(start - 1, end + 1))) as string;
    const escaped = FIELD_NAMES.indexOf(key as FieldName);
    if (escaped < 0)
      this.#unknown ??= `there is no field ${JSON.stringify(key.slice(0, SHOWN_CHARACTERS_MAX).toWellFormed())}${nearest(key)}`;
    return escaped;
  }
}

/** A field that the writer may have meant: the same letters but for case, or one slip of the hand. */
function nearest(key: string): string {
  const wanted = key.toLowerCase();
  const close = FIELD_NAMES.find((name) => name.toLowerCase() === wanted || oneSlip(name.toLowerCase(), wanted));
  return close === undefined ? '' : `; did you mean ${close}?`;
}

/** One letter more, fewer, other, or two neighbours changed round. */
function oneSlip(a: string, b: string): boolean {
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const leftA = a.slice(start, a.length - end);
  const leftB = b.slice(start, b.length - end);
  if (leftA.length <= 1 && leftB.length <= 1) return true;
  return leftA.length === 2 && leftB.length === 2 && leftA[0] === leftB[1] && leftA[1] === leftB[0];
}
