import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeBrokerBytes, decodeBrokerText } from '../../src/protocol/native/decode-broker-frame.ts';
import { encodeBinary, encodeClientFrame } from '../../src/protocol/native/encode-client-frame.ts';
import {
  encodeError,
  encodeMessage,
  encodeNotice,
  encodeOk,
  encodePong,
  encodeWelcome,
  type MessageFrame,
} from '../../src/protocol/native/encode.ts';
import type { ClientFrame, PublishMessage } from '../../src/protocol/native/frame.ts';
import { carried, decode, uncarried } from '../support/frame-codec.ts';

const RUNS = { numRuns: 1000 };

const name = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._:-]{0,20}$/);
const topic = fc
  .array(fc.stringMatching(/^[A-Za-z0-9_:@-]{1,5}$/), { minLength: 1, maxLength: 4 })
  .map((words) => words.join('.'));
const filter = fc
  .array(fc.oneof(fc.stringMatching(/^[a-z]{1,5}$/), fc.constantFrom('*', '#')), { minLength: 1, maxLength: 4 })
  .map((words) => words.join('.'));
const uuid = fc.uuid();
/** JSON text with all that a value would lose: duplicate keys, white space, escapes, integers beyond 2^53. */
const bodies = fc.oneof(
  fc.jsonValue().map((value) => JSON.stringify(value)),
  fc.jsonValue().map((value) => JSON.stringify(value, undefined, '\t')),
  fc.bigInt().map(String),
  fc.string({ unit: 'binary' }).map((text) => `{"a":1, "a":${JSON.stringify(text.toWellFormed())}}`),
  fc.constantFrom('1.0', '1e400', '"\\u00e9\\/\\ud800"', '"\u2028💥é"', '-0', '[ ]'),
);
const ref = fc.oneof(
  fc.integer().map(String),
  fc.string({ unit: 'binary', maxLength: 20 }).map((text) => JSON.stringify(text.toWellFormed())),
);
const headers = fc
  .dictionary(fc.string({ unit: 'binary', maxLength: 8 }), fc.string({ unit: 'binary', maxLength: 8 }), { maxKeys: 5 })
  .map((each) => JSON.stringify(each).toWellFormed());
const optional = <T>(each: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(each, { nil: undefined });
const ms = fc.integer({ min: 1, max: 1_000_000 });

const destination = fc.oneof(
  name.map((queue) => ({ queue, topics: undefined })),
  name.map((client) => ({ queue: `@${client}`, topics: undefined })),
  fc.array(topic, { minLength: 1, maxLength: 3 }).map((topics) => ({ queue: undefined, topics })),
);
const messages: fc.Arbitrary<PublishMessage> = fc
  .tuple(
    destination,
    fc.record({
      body: bodies,
      binary: fc.constant(false),
      id: optional(uuid),
      headers: optional(headers),
      delayMs: fc.integer({ min: 0, max: 100_000 }),
      replyTo: optional(name),
      correlation: optional(fc.string({ maxLength: 20 }).map((text) => JSON.stringify(text))),
      exceptSelf: fc.boolean(),
    }),
  )
  .map(([to, rest]) => ({ ...to, ...rest, exceptSelf: rest.exceptSelf && to.topics !== undefined }));
const ids = fc.uniqueArray(uuid, { minLength: 1, maxLength: 5 });

const frames: fc.Arbitrary<ClientFrame> = fc.oneof(
  fc.record({
    type: fc.constant('hello' as const),
    ref: optional(ref),
    client: optional(name),
    token: optional(fc.string({ unit: 'binary' }).map((text) => text.toWellFormed())),
    graceMs: fc.integer({ min: 0, max: 100_000 }),
    arrays: fc.boolean(),
  }),
  fc.record({
    type: fc.constant('publish' as const),
    ref: optional(ref),
    batch: fc.constant(false),
    messages: fc.tuple(messages),
  }),
  fc.record({
    type: fc.constant('publish' as const),
    ref: optional(ref),
    batch: fc.constant(true),
    messages: fc.array(messages, { minLength: 1, maxLength: 4 }),
  }),
  fc.record({
    type: fc.constant('subscribe' as const),
    ref: optional(ref),
    queue: optional(name),
    topic: fc.constant(undefined),
    prefetch: fc.integer({ min: 1, max: 10_000 }),
    autoAck: fc.boolean(),
  }),
  fc.record({
    type: fc.constant('unsubscribe' as const),
    ref: optional(ref),
    queue: fc.constant(undefined),
    topic: optional(filter),
  }),
  fc.record({ type: fc.constant('ack' as const), ref: optional(ref), ids, queue: optional(name) }),
  fc.record({ type: fc.constant('nack' as const), ref: optional(ref), ids, queue: optional(name), delayMs: optional(ms) }),
  fc.record({ type: fc.constant('extend' as const), ref: optional(ref), ids, queue: optional(name), ms }),
  fc.record({
    type: fc.constant('declare' as const),
    ref: optional(ref),
    queue: name,
    leaseMs: optional(ms.map((value) => value + 1000)),
    backoffMs: optional(fc.array(ms, { maxLength: 16 })),
  }),
  fc.record({ type: fc.constantFrom('bind' as const, 'unbind' as const), ref: optional(ref), queue: name, topic: filter }),
  fc.record({ type: fc.constant('ping' as const), ref: optional(ref) }),
);

/** What is carried, as bytes. */
function asBytes(frame: ClientFrame): ClientFrame {
  const text = (each: string | undefined): string | undefined => (each === undefined ? undefined : carried(each));
  const base = { ...frame, ref: text(frame.ref) };
  if (base.type !== 'publish') return base;
  const asCarried = (each: PublishMessage): PublishMessage => ({
    ...each,
    body: carried(each.body),
    headers: text(each.headers),
    correlation: text(each.correlation),
  });
  return { ...base, messages: base.messages.map(asCarried) };
}

it('takes every frame of a client as it was meant', () => {
  fc.assert(
    fc.property(frames, (frame) => {
      expect(decode(encodeClientFrame(frame))).toEqual(asBytes(frame));
    }),
    { numRuns: 3000 },
  );
});

it('carries a body of any JSON to a consumer byte for byte', () => {
  fc.assert(
    fc.property(bodies, (body) => {
      const frame = decode(`{"type":"publish", "body" : ${body}\n,"queue":"q"}`);
      if (frame.type !== 'publish') throw new Error('not a publish');
      const taken = frame.messages[0]?.body ?? '';
      expect(uncarried(taken)).toBe(body);
      const [received] = decodeBrokerText(uncarried(encodeMessage({ ...delivery, body: taken })));
      expect(received).toMatchObject({ type: 'message', body });
    }),
    RUNS,
  );
});

it('carries bytes to a consumer as they are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (body) => {
      const frame = decode(Buffer.from(encodeBinary('{"type":"publish","queue":"q"}', body)));
      if (frame.type !== 'publish') throw new Error('not a publish');
      const sent = Buffer.from(encodeMessage({ ...delivery, binary: true, body: frame.messages[0]?.body ?? '' }), 'latin1');
      const [received] = decodeBrokerBytes(sent);
      if (received?.type !== 'message' || typeof received.body === 'string') throw new Error('not a message of bytes');
      expect(Buffer.from(received.body).equals(Buffer.from(body))).toBe(true);
    }),
    RUNS,
  );
});

const delivery: MessageFrame = {
  queue: 'q',
  id: '0194a1b0-6a5e-7c3e-9d5e-5f1d2c3b4a59',
  attempt: 1,
  time: 1_800_000_000_000,
  topic: undefined,
  from: undefined,
  headers: undefined,
  replyTo: undefined,
  correlation: undefined,
  body: '1',
  binary: false,
};

it('writes messages that JSON.parse and a client read alike', () => {
  const deliveries = fc.record({
    queue: name,
    attempt: fc.nat(),
    topic: optional(topic),
    from: optional(name),
    headers: optional(headers),
    replyTo: optional(name),
    correlation: optional(fc.string({ unit: 'binary', maxLength: 20 }).map((text) => JSON.stringify(text.toWellFormed()))),
    body: bodies,
  });
  fc.assert(
    fc.property(deliveries, (fields) => {
      const bytes = (each: string | undefined): string | undefined => (each === undefined ? undefined : carried(each));
      const encoded = encodeMessage({
        ...delivery,
        ...fields,
        headers: bytes(fields.headers),
        correlation: bytes(fields.correlation),
        body: carried(fields.body),
      });
      const text = uncarried(encoded);
      const parsed = JSON.parse(text) as Readonly<Record<string, unknown>>;
      const parse = (each: string | undefined): unknown => (each === undefined ? undefined : JSON.parse(each));
      const wanted = { ...fields, headers: parse(fields.headers), correlation: parse(fields.correlation) };
      const { body: _body, ...members } = wanted;
      expect(JSON.parse(JSON.stringify(parsed))).toMatchObject(JSON.parse(JSON.stringify(members)) as object);
      expect(decodeBrokerText(`[${text},${text}]`)).toMatchObject([{ ...wanted, body: fields.body }, { body: fields.body }]);
    }),
    RUNS,
  );
});

it('writes answers in ASCII that JSON.parse reads as they were meant', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const error = encodeError('"r"', 'bad_field', text, true);
      expect(error).toMatch(/^[\x20-\x7e]*$/);
      expect(JSON.parse(error)).toEqual({ type: 'error', ref: 'r', code: 'bad_field', message: text, retryable: true });
      const notice = encodeNotice('draining', { text });
      expect(notice).toMatch(/^[\x20-\x7e]*$/);
      expect(decodeBrokerText(notice)).toEqual([{ type: 'notice', code: 'draining', details: { text } }]);
    }),
    RUNS,
  );
  expect(JSON.parse(encodeError(undefined, 'bad_frame', 'x', false))).toEqual({
    type: 'error',
    code: 'bad_frame',
    message: 'x',
    retryable: false,
  });
  expect(JSON.parse(encodeOk('1', ',"count":2'))).toEqual({ type: 'ok', ref: 1, count: 2 });
  expect([encodePong(undefined), encodePong('"x"')]).toEqual(['{"type":"pong"}', '{"type":"pong","ref":"x"}']);
  const inbox = { queue: '@a', waiting: 1, unacked: 2 };
  const welcome = { client: 'a', resumed: true, inbox, lost: [], limits: { frame: 1 }, server: { name: 'é', version: '1' } };
  expect(JSON.parse(encodeWelcome(welcome, '5'))).toEqual({ type: 'welcome', ref: 5, ...welcome });
  expect(JSON.parse(encodeWelcome(welcome, undefined))).toEqual({ type: 'welcome', ...welcome });
});

it('never throws for whatever a broker or a client might send, but for its own error', () => {
  const junk = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom(...'{}[]",:\\1at body'.split('')) }));
  fc.assert(
    fc.property(junk, (text) => {
      for (const read of [decode, decodeBrokerText]) {
        try {
          read(text);
        } catch (error) {
          if (!/^(FrameError|Error: expected one frame)/.test(String(error))) throw error;
        }
      }
    }),
    { numRuns: 5000 },
  );
});
