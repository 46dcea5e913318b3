/**
 * What a client sends, from bytes to frames. Pure: limits are arguments, and nothing is kept between two calls but scratch space.
 * Must never throw for bad input: what can't be taken comes back as a `FrameError` in its place.
 */
import {
  type BindFrame,
  type ClientFrame,
  type ClientFrameType,
  type DeclareFrame,
  type ExtendFrame,
  FrameError,
  type HelloFrame,
  type PublishFrame,
  type PublishMessage,
  type SubscribeFrame,
  type SubscriptionTarget,
  type UnbindFrame,
} from './frame.ts';
import { CLOSE_BRACKET, JsonScanner, NO_BYTES, OPEN_BRACE, OPEN_BRACKET } from './json-scanner.ts';
import { DURATION_MS_MAX, type FrameLimits, REF_CHARACTERS_MAX, TEXT_CHARACTERS_MAX, TOPIC_CHARACTERS_MAX } from './limits.ts';
import { type Field, type FieldSet, field, fieldSet, Members, type Slice } from './members.ts';
import {
  FILTER_FORM,
  isFilter,
  isName,
  isQueueName,
  isTopic,
  isUuid,
  NAME_FORM,
  QUEUE_FORM,
  TOPIC_FORM,
  UUID_FORM,
} from './names.ts';
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

const isShortTopic = (text: string): boolean => text.length <= TOPIC_CHARACTERS_MAX && isTopic(text);
const isShortFilter = (text: string): boolean => text.length <= TOPIC_CHARACTERS_MAX && isFilter(text);

const MESSAGE_FIELDS = [
  'queue',
  'topic',
  'topics',
  'body',
  'id',
  'headers',
  'delay',
  'replyTo',
  'correlation',
  'exceptSelf',
] as const;
const LATER_FIELDS = fieldSet('ttl', 'priority', 'group', 'reject', 'reason');
const ALLOWED: { readonly [Type in ClientFrameType]: FieldSet } = {
  hello: fieldSet('type', 'ref', 'client', 'token', 'grace', 'arrays'),
  publish: fieldSet('type', 'ref', ...MESSAGE_FIELDS),
  subscribe: fieldSet('type', 'ref', 'queue', 'topic', 'prefetch', 'autoAck'),
  unsubscribe: fieldSet('type', 'ref', 'queue', 'topic'),
  ack: fieldSet('type', 'ref', 'id', 'ids', 'queue'),
  nack: fieldSet('type', 'ref', 'id', 'ids', 'queue', 'delay'),
  extend: fieldSet('type', 'ref', 'id', 'ids', 'queue', 'ms'),
  declare: fieldSet('type', 'ref', 'queue', 'lease', 'backoff'),
  bind: fieldSet('type', 'ref', 'queue', 'topic'),
  unbind: fieldSet('type', 'ref', 'queue', 'topic'),
  ping: fieldSet('type', 'ref'),
};
const BATCH_FIELDS = fieldSet('type', 'ref', 'messages');
const MESSAGE_ALLOWED = fieldSet(...MESSAGE_FIELDS);

const LEASE_MS_MIN = 1000;
const BACKOFF_STEPS_MAX = 16;
const PREFETCH_DEFAULT = 100;
const NEWLINE = 0x0a;
const HELLO_EXAMPLE = '{"type":"ping"}';

export type Decoded = ClientFrame | FrameError;

export class FrameDecoder {
  readonly #limits: FrameLimits;
  readonly #slice: Slice;
  readonly #scanner: JsonScanner;
  readonly #frame: Members;
  readonly #message: Members;
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
    this.#messages = undefined;
    frame.read(this.#bytes, this.#nested);
    let ref: string | undefined;
    try {
      ref = this.#ref();
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
    if (/^-?\d{1,16}$/.test(raw)) return raw;
    const form = `a string of at most ${REF_CHARACTERS_MAX} characters or a whole number`;
    if (this.#frame.rawLength(field.ref) > 6 * REF_CHARACTERS_MAX + 2) throw this.#frame.wrong(field.ref, form);
    if (this.#frame.string(field.ref, form).length > REF_CHARACTERS_MAX) throw this.#frame.wrong(field.ref, form);
    return raw;
  }

  #type(): ClientFrameType {
    const frame = this.#frame;
    if (!frame.has(field.type)) throw new FrameError('bad_field', `type is missing; it must be one of ${TYPES.words.join(', ')}`);
    const type = TYPES.words[frame.word(field.type, TYPES)];
    if (type === undefined) {
      const raw = frame.string(field.type, `one of ${TYPES.words.join(', ')}`);
      throw new FrameError(
        'unknown_type',
        `there is no type ${JSON.stringify(raw.slice(0, 40))}; it must be one of ${TYPES.words.join(', ')}`,
      );
    }
    if (type === 'transact') throw new FrameError('unsupported', 'transact is not supported by this broker yet');
    if (this.#binary !== undefined && type !== 'publish')
      throw new FrameError('bad_field', 'type must be publish in a binary frame');
    return type;
  }

  #build(type: ClientFrameType, ref: string | undefined): ClientFrame {
    const frame = this.#frame;
    if (type === 'publish' && frame.has(field.messages)) return this.#batch(ref);
    frame.only(ALLOWED[type], LATER_FIELDS, type);
    switch (type) {
      case 'hello':
        return this.#hello(ref);
      case 'publish':
        return { type, ref, batch: false, messages: [this.#publishMessage(frame)] };
      case 'subscribe':
        return this.#subscribe(ref);
      case 'unsubscribe':
        return { type, ref, ...this.#target() };
      case 'ack':
        return { type, ref, ids: this.#ids(), queue: this.#optionalQueue() };
      case 'nack':
        return { type, ref, ids: this.#ids(), queue: this.#optionalQueue(), delayMs: this.#optionalDuration(field.delay) };
      case 'extend':
        return this.#extend(ref);
      case 'declare':
        return this.#declare(ref);
      case 'bind':
      case 'unbind':
        return this.#bind(type, ref);
      case 'ping':
        return { type, ref };
      default:
        return type satisfies never;
    }
  }

  #hello(ref: string | undefined): HelloFrame {
    const frame = this.#frame;
    return {
      type: 'hello',
      ref,
      client: frame.has(field.client) ? frame.name(field.client, isName, NAME_FORM) : undefined,
      token: frame.has(field.token) ? frame.string(field.token, 'a string') : undefined,
      graceMs: this.#optionalDuration(field.grace) ?? 0,
      arrays: frame.has(field.arrays) && frame.boolean(field.arrays),
    };
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
      this.#message.only(MESSAGE_ALLOWED, LATER_FIELDS, 'a message');
      messages.push(this.#publishMessage(this.#message));
      return undefined;
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      return new FrameError(error.code, `messages[${index}]: ${error.message}`);
    }
  }

  #publishMessage(members: Members): PublishMessage {
    const binary = this.#binary;
    if (binary === undefined && !members.has(field.body))
      throw new FrameError('bad_field', 'body is missing; it may be any JSON value');
    if (binary !== undefined && members.has(field.body))
      throw new FrameError('bad_field', 'body can not be in the line of JSON of a binary frame; it follows the newline');
    const body = binary ?? members.raw(field.body);
    const queue = members.has(field.queue) ? members.name(field.queue, isQueueName, QUEUE_FORM) : undefined;
    const topics = this.#topics(members);
    if ((queue === undefined) === (topics === undefined))
      throw new FrameError('bad_field', 'publish needs exactly one of queue, topic and topics');
    const exceptSelf = members.has(field.exceptSelf) && members.boolean(field.exceptSelf);
    return {
      queue,
      topics,
      body,
      binary: binary !== undefined,
      id: members.has(field.id) ? this.#uuid(members) : undefined,
      headers: members.has(field.headers) ? this.#headers(members) : undefined,
      delayMs: members.has(field.delay) ? members.integer(field.delay, 0, DURATION_MS_MAX, ' of milliseconds') : 0,
      replyTo: members.has(field.replyTo) ? members.name(field.replyTo, isQueueName, QUEUE_FORM) : undefined,
      correlation: members.has(field.correlation) ? this.#correlation(members) : undefined,
      exceptSelf,
    };
  }

  #topics(members: Members): readonly string[] | undefined {
    const several = members.has(field.topics);
    if (!members.has(field.topic)) {
      if (!several) return undefined;
      return members.strings(field.topics, this.#limits.topicsMax, 'topics-max', isShortTopic, TOPIC_FORM);
    }
    if (several) throw new FrameError('bad_field', 'publish needs exactly one of queue, topic and topics');
    return [members.name(field.topic, isShortTopic, TOPIC_FORM)];
  }

  #uuid(members: Members): string {
    return members.text(field.id, isUuid, UUID_FORM).toLowerCase();
  }

  #headers(members: Members): string {
    const scanner = this.#scanner;
    const { headersMax, headerBytesMax } = this.#limits;
    const form = 'an object of strings';
    if (members.firstByte(field.headers) !== OPEN_BRACE) throw members.wrong(field.headers, form);
    let failed: FrameError | undefined;
    const count = members.walk(field.headers, () => {
      const start = scanner.string();
      scanner.expect(0x3a);
      if (scanner.peek() !== 0x22) failed ??= members.wrong(field.headers, form);
      scanner.value();
      const bytes = scanner.pos - start;
      if (bytes > headerBytesMax)
        failed ??= new FrameError('too_large', `a header of ${bytes} bytes; the limit header-max is ${headerBytesMax}`);
    });
    if (count > headersMax)
      failed ??= new FrameError('too_large', `headers has ${count} members; the limit headers-max is ${headersMax}`);
    if (failed !== undefined) throw failed;
    return members.raw(field.headers);
  }

  #correlation(members: Members): string {
    const form = `a string of at most ${TEXT_CHARACTERS_MAX} bytes`;
    if (members.firstByte(field.correlation) !== 0x22 || members.rawLength(field.correlation) > TEXT_CHARACTERS_MAX + 2) {
      throw members.wrong(field.correlation, form);
    }
    return members.raw(field.correlation);
  }

  #subscribe(ref: string | undefined): SubscribeFrame {
    const frame = this.#frame;
    const max = this.#limits.prefetchMax;
    return {
      type: 'subscribe',
      ref,
      ...this.#target(),
      prefetch: frame.has(field.prefetch) ? frame.integer(field.prefetch, 1, max, '') : Math.min(PREFETCH_DEFAULT, max),
      autoAck: frame.has(field.autoAck) && frame.boolean(field.autoAck),
    };
  }

  #target(): SubscriptionTarget {
    const frame = this.#frame;
    if (frame.has(field.queue) && frame.has(field.topic)) throw new FrameError('bad_field', 'queue and topic exclude each other');
    return {
      queue: this.#optionalQueue(),
      topic: frame.has(field.topic) ? frame.name(field.topic, isShortFilter, FILTER_FORM) : undefined,
    };
  }

  #ids(): readonly string[] {
    const frame = this.#frame;
    if (frame.has(field.id) === frame.has(field.ids)) throw new FrameError('bad_field', 'needs exactly one of id and ids');
    if (frame.has(field.id)) return [this.#uuid(frame)];
    const ids = frame.strings(field.ids, this.#limits.batchMax, 'batch-max', isUuid, UUID_FORM).map((id) => id.toLowerCase());
    if (new Set(ids).size !== ids.length) throw new FrameError('bad_field', 'ids names a message twice');
    return ids;
  }

  #extend(ref: string | undefined): ExtendFrame {
    if (!this.#frame.has(field.ms)) throw new FrameError('bad_field', 'ms is missing; it must be a whole number of milliseconds');
    const ms = this.#frame.integer(field.ms, 1, DURATION_MS_MAX, ' of milliseconds');
    return { type: 'extend', ref, ids: this.#ids(), queue: this.#optionalQueue(), ms };
  }

  #declare(ref: string | undefined): DeclareFrame {
    const frame = this.#frame;
    const lease = frame.has(field.lease)
      ? frame.integer(field.lease, LEASE_MS_MIN, DURATION_MS_MAX, ' of milliseconds')
      : undefined;
    return {
      type: 'declare',
      ref,
      queue: this.#queue(),
      leaseMs: lease,
      backoffMs: frame.has(field.backoff) ? this.#backoff() : undefined,
    };
  }

  #backoff(): readonly number[] {
    const form = `an array of at most ${BACKOFF_STEPS_MAX} whole numbers of milliseconds from 0 to ${DURATION_MS_MAX}`;
    if (this.#frame.firstByte(field.backoff) !== OPEN_BRACKET) throw this.#frame.wrong(field.backoff, form);
    const steps = JSON.parse(this.#frame.raw(field.backoff)) as unknown[];
    const isStep = (step: unknown): step is number =>
      Number.isInteger(step) && Number(step) >= 0 && Number(step) <= DURATION_MS_MAX;
    if (steps.length > BACKOFF_STEPS_MAX || !steps.every(isStep)) throw this.#frame.wrong(field.backoff, form);
    return steps;
  }

  #bind(type: 'bind' | 'unbind', ref: string | undefined): BindFrame | UnbindFrame {
    if (!this.#frame.has(field.topic)) throw new FrameError('bad_field', `topic is missing; it must be ${FILTER_FORM}`);
    return { type, ref, queue: this.#queue(), topic: this.#frame.name(field.topic, isShortFilter, FILTER_FORM) };
  }

  #queue(): string {
    if (!this.#frame.has(field.queue)) throw new FrameError('bad_field', `queue is missing; it must be ${QUEUE_FORM}`);
    return this.#frame.name(field.queue, isQueueName, QUEUE_FORM);
  }

  #optionalQueue(): string | undefined {
    return this.#frame.has(field.queue) ? this.#queue() : undefined;
  }

  #optionalDuration(at: Field): number | undefined {
    return this.#frame.has(at) ? this.#frame.integer(at, 0, DURATION_MS_MAX, ' of milliseconds') : undefined;
  }
}
