/**
 * What a client sends, from bytes to frames. Pure: limits are arguments, and nothing is kept between two calls but scratch space.
 * Must never throw for bad input: what can't be taken comes back as a `FrameError` in its place.
 */
import { buildPlain, PLAIN_FIELDS } from './build-frame.ts';
import { type ClientFrame, type ClientFrameType, FrameError, type PublishFrame, type PublishMessage } from './frame.ts';
import { CLOSE_BRACKET, JsonScanner, NO_BYTES, OPEN_BRACE, OPEN_BRACKET } from './json-scanner.ts';
import { type FrameLimits, REF_CHARACTERS_MAX } from './limits.ts';
import { type Field, field, fieldSet, Members, type Slice } from './members.ts';
import { MESSAGE_FIELDS, MessageBuilder } from './message-builder.ts';
import { WordTable } from './word-table.ts';

const TYPES = new WordTable([
  'hello',
  'publish',
  'subscribe',
  'unsubscribe',
  'ack',
  'nack',
  'extend',
  'declare',
  'bind',
  'unbind',
  'ping',
  'transact',
] as const);

const LATER_FIELDS = fieldSet('ttl', 'priority', 'group', 'reject', 'reason');
const PUBLISH_FIELDS = fieldSet('type', 'ref') | MESSAGE_FIELDS;
const BATCH_FIELDS = fieldSet('type', 'ref', 'messages');

const NEWLINE = 0x0a;
const HELLO_EXAMPLE = '{"type":"ping"}';
/** Any integer is given back as it came, also one beyond 2^53. */
const REF_INTEGER = new RegExp(`^-?\\d{1,${REF_CHARACTERS_MAX - 1}}$`);

export type Decoded = ClientFrame | FrameError;

export class FrameDecoder {
  readonly #limits: FrameLimits;
  readonly #slice: Slice;
  readonly #scanner: JsonScanner;
  readonly #frame: Members;
  readonly #message: Members;
  readonly #builder: MessageBuilder;
  #bytes: Uint8Array = NO_BYTES;
  /** What `messages` held, or why it can't be taken. */
  #messages: PublishMessage[] | FrameError | undefined;
  /** The body behind the line of JSON of a binary frame. */
  #binary: string | undefined;
  readonly #nested = (at: Field): boolean => at === field.messages && this.#readMessages();

  constructor(limits: FrameLimits, slice: Slice) {
    this.#limits = limits;
    this.#slice = slice;
    this.#scanner = new JsonScanner(limits.depthMax);
    this.#frame = new Members(this.#scanner, slice);
    this.#message = new Members(this.#scanner, slice);
    this.#builder = new MessageBuilder(this.#scanner, limits);
  }

  /** A text frame: one object, or an array of them. If it isn't JSON, or not that, there is one `bad_frame` and nothing else. */
  text(bytes: Uint8Array): readonly Decoded[] {
    return this.#decode(bytes, bytes.length, undefined);
  }

  /** A binary frame: a line of JSON without `body`, a newline, and the body. */
  binary(bytes: Uint8Array): readonly Decoded[] {
    const line = bytes.indexOf(NEWLINE);
    if (line < 0)
      return [new FrameError('bad_frame', 'a binary frame is a line of JSON, a newline, and the body; there is no newline')];
    return this.#decode(bytes, line, this.#slice(bytes, line + 1, bytes.length));
  }

  #decode(bytes: Uint8Array, end: number, binary: string | undefined): readonly Decoded[] {
    this.#bytes = bytes;
    this.#binary = binary;
    this.#scanner.begin(bytes, end);
    try {
      const decoded = this.#whole();
      if (this.#scanner.peek() !== -1) throw this.#scanner.unexpected('the end');
      return decoded;
    } catch (error) {
      if (error instanceof FrameError) return [error];
      throw error;
    } finally {
      this.#bytes = NO_BYTES;
      this.#binary = undefined;
      this.#messages = undefined;
      this.#scanner.finish();
      this.#frame.finish();
      this.#message.finish();
    }
  }

  #whole(): readonly Decoded[] {
    const first = this.#scanner.peek();
    if (first === OPEN_BRACE) return [this.#one()];
    if (first !== OPEN_BRACKET || this.#binary !== undefined) {
      throw new FrameError(
        'bad_frame',
        `a frame is a JSON object with a "type", such as ${HELLO_EXAMPLE}${this.#binary === undefined ? ', or an array of them' : ''}`,
      );
    }
    return this.#array();
  }

  #array(): readonly Decoded[] {
    const scanner = this.#scanner;
    const decoded: Decoded[] = [];
    scanner.pos++;
    if (scanner.peek() === CLOSE_BRACKET) {
      scanner.pos++;
      return decoded;
    }
    for (;;) {
      if (scanner.peek() !== OPEN_BRACE)
        throw new FrameError('bad_frame', `member ${decoded.length} of the array is not a frame: it must be a JSON object`);
      if (decoded.length === this.#limits.framesMax) {
        throw new FrameError(
          'too_large',
          `an array may hold ${this.#limits.framesMax} frames; send the others in another one. None was taken`,
        );
      }
      decoded.push(this.#one());
      if (scanner.peek() === CLOSE_BRACKET) break;
      scanner.expect(0x2c);
    }
    scanner.pos++;
    return decoded;
  }

  /** One object. Throws what makes the whole text unreadable, returns what is wrong with this frame alone. */
  #one(): Decoded {
    const frame = this.#frame;
    const { depthMax } = this.#limits;
    this.#messages = undefined;
    this.#scanner.deepest = 0;
    frame.read(this.#bytes, this.#nested);
    let ref: string | undefined;
    try {
      ref = this.#ref();
      if (this.#scanner.deepest > depthMax)
        throw new FrameError('too_large', `nested deeper than ${depthMax} levels, the limit depth-max`);
      return this.#build(this.#type(), ref);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      error.ref = ref;
      return error;
    }
  }

  #ref(): string | undefined {
    if (!this.#frame.has(field.ref)) return undefined;
    const raw = this.#frame.raw(field.ref);
    if (REF_INTEGER.test(raw)) return raw;
    const form = `a string of at most ${REF_CHARACTERS_MAX} characters or a whole number`;
    if (this.#frame.rawLength(field.ref) > 6 * REF_CHARACTERS_MAX + 2) throw this.#frame.wrong(field.ref, form);
    if (this.#frame.string(field.ref, form).length > REF_CHARACTERS_MAX) throw this.#frame.wrong(field.ref, form);
    return raw;
  }

  #type(): ClientFrameType {
    const frame = this.#frame;
    if (!frame.has(field.type)) throw new FrameError('bad_field', `type is missing; it must be one of ${TYPES.words.join(', ')}`);
    const type = TYPES.words[frame.word(field.type, TYPES)] ?? this.#unusualType();
    if (type === 'transact') throw new FrameError('unsupported', 'transact is not supported by this broker yet');
    if (this.#binary !== undefined && type !== 'publish')
      throw new FrameError('bad_field', 'type must be publish in a binary frame');
    return type;
  }

  /** A type that is written with escapes, or none that there is. */
  #unusualType(): (typeof TYPES.words)[number] {
    const form = `one of ${TYPES.words.join(', ')}`;
    const written = this.#frame.string(field.type, form);
    const type = TYPES.words.find((word) => word === written);
    if (type !== undefined) return type;
    const shown = JSON.stringify(written.slice(0, 40).toWellFormed());
    throw new FrameError('unknown_type', `there is no type ${shown}; it must be ${form}`);
  }

  #build(type: ClientFrameType, ref: string | undefined): ClientFrame {
    const frame = this.#frame;
    if (type !== 'publish') {
      frame.only(PLAIN_FIELDS[type], LATER_FIELDS, type);
      return buildPlain(type, ref, frame, this.#limits);
    }
    if (frame.has(field.messages)) return this.#batch(ref);
    frame.only(PUBLISH_FIELDS, LATER_FIELDS, type);
    return { type, ref, batch: false, messages: [this.#builder.build(frame, this.#binary)] };
  }

  #batch(ref: string | undefined): PublishFrame {
    this.#frame.only(BATCH_FIELDS, LATER_FIELDS, 'publish with messages');
    if (this.#binary !== undefined)
      throw new FrameError('bad_field', 'messages can not be in a binary frame, which holds one body');
    if (this.#messages instanceof FrameError) throw this.#messages;
    const messages = this.#messages;
    if (messages === undefined || messages.length === 0) throw this.#frame.wrong(field.messages, 'an array of messages');
    return { type: 'publish', ref, batch: true, messages };
  }

  /** Takes the value of `messages`, whose objects are read right away: their bodies are scanned only once. */
  #readMessages(): boolean {
    const scanner = this.#scanner;
    const max = this.#limits.batchMax;
    if (scanner.peek() !== OPEN_BRACKET) return false;
    scanner.pos++;
    const messages: PublishMessage[] = [];
    let failed: FrameError | undefined;
    let count = 0;
    while (scanner.peek() !== CLOSE_BRACKET) {
      if (count > 0) scanner.expect(0x2c);
      if (scanner.peek() === OPEN_BRACE) {
        this.#message.read(this.#bytes, undefined);
        if (failed === undefined && count < max) failed = this.#batchMember(messages, count);
      } else {
        scanner.value();
        failed ??= new FrameError('bad_field', `messages[${count}] must be an object`);
      }
      count++;
    }
    scanner.pos++;
    if (count > max) failed = new FrameError('too_large', `messages has ${count} members; the limit batch-max is ${max}`);
    this.#messages = failed ?? messages;
    return true;
  }

  #batchMember(messages: PublishMessage[], index: number): FrameError | undefined {
    try {
      this.#message.only(MESSAGE_FIELDS, LATER_FIELDS, 'a message');
      messages.push(this.#builder.build(this.#message, undefined));
      return undefined;
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      return new FrameError(error.code, `messages[${index}]: ${error.message}`);
    }
  }
}
