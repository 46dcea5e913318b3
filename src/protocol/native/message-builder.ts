/** Builds one message to publish from the members of its object: a `publish` frame, or a member of its `messages`. */
import { FrameError, type PublishMessage } from './frame.ts';
import { type JsonScanner, OPEN_BRACE } from './json-scanner.ts';
import { type FrameLimits, TEXT_CHARACTERS_MAX } from './limits.ts';
import { field, fieldSet, type Members } from './members.ts';
import { readDuration, readOptionalQueue, readReplyTo, readTopic, readTopics, readUuid } from './read-fields.ts';

export const MESSAGE_FIELDS = fieldSet(
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
);

const QUOTE = 0x22;
const COLON = 0x3a;

export class MessageBuilder {
  readonly #scanner: JsonScanner;
  readonly #limits: FrameLimits;

  constructor(scanner: JsonScanner, limits: FrameLimits) {
    this.#scanner = scanner;
    this.#limits = limits;
  }

  /** `binary`: the body behind the line of JSON of a binary frame. */
  build(members: Members, binary: string | undefined): PublishMessage {
    if (binary === undefined && !members.has(field.body))
      throw new FrameError('bad_field', 'body is missing; it may be any JSON value');
    if (binary !== undefined && members.has(field.body))
      throw new FrameError('bad_field', 'body can not be in the line of JSON of a binary frame; it follows the newline');
    const body = binary ?? members.raw(field.body);
    const queue = readOptionalQueue(members);
    const topics = this.#topics(members);
    if ((queue === undefined) === (topics === undefined)) throw oneDestination();
    if (queue !== undefined && members.has(field.exceptSelf))
      throw new FrameError('bad_field', 'exceptSelf goes with topic or topics; a queue is not left out');
    return {
      queue,
      topics,
      body,
      binary: binary !== undefined,
      id: members.has(field.id) ? readUuid(members) : undefined,
      headers: members.has(field.headers) ? this.#headers(members) : undefined,
      delayMs: members.has(field.delay) ? readDuration(members, field.delay, 0) : 0,
      replyTo: readReplyTo(members),
      correlation: members.has(field.correlation) ? correlation(members) : undefined,
      exceptSelf: members.has(field.exceptSelf) && members.boolean(field.exceptSelf),
    };
  }

  #topics(members: Members): readonly string[] | undefined {
    const several = members.has(field.topics);
    if (!members.has(field.topic)) return several ? readTopics(members, this.#limits.topicsMax) : undefined;
    if (several) throw oneDestination();
    return [readTopic(members)];
  }

  #headers(members: Members): string {
    const scanner = this.#scanner;
    const { headersMax, headerBytesMax } = this.#limits;
    const form = 'an object of strings';
    if (members.firstByte(field.headers) !== OPEN_BRACE) throw members.wrong(field.headers, form);
    let failed: FrameError | undefined;
    const count = members.walk(field.headers, () => {
      const start = scanner.string();
      scanner.expect(COLON);
      if (scanner.peek() !== QUOTE) failed ??= members.wrong(field.headers, form);
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
}

const oneDestination = (): FrameError => new FrameError('bad_field', 'publish needs exactly one of queue, topic and topics');

function correlation(members: Members): string {
  const form = `a string of at most ${TEXT_CHARACTERS_MAX} bytes`;
  if (members.firstByte(field.correlation) !== QUOTE || members.rawLength(field.correlation) > TEXT_CHARACTERS_MAX + 2) {
    throw members.wrong(field.correlation, form);
  }
  return members.raw(field.correlation);
}
