import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrameDecoder } from '../../src/protocol/native/decode.ts';
import { decodeBrokerBytes, decodeBrokerText } from '../../src/protocol/native/decode-broker-frame.ts';
import { encodeMessage, encodeOk, encodeWelcome } from '../../src/protocol/native/encode.ts';
import { encodeBinary, encodeClientFrame } from '../../src/protocol/native/encode-client-frame.ts';
import type { ClientFrame, PublishMessage } from '../../src/protocol/native/frame.ts';
import { depthOf, endOfValue } from '../../src/protocol/native/json-text.ts';
import { DEFAULT_LIMITS } from '../../src/protocol/native/limits.ts';

const ID = '0194a1b0-6a5e-7c3e-9d5e-5f1d2c3b4a59';
const utf8 = new TextDecoder();
/** The broker takes strings of bytes; told back in characters. */
function asBrokerReads(text: string): readonly unknown[] {
  const decoder = new FrameDecoder(DEFAULT_LIMITS, (bytes, start, end) => Buffer.from(bytes).toString('latin1', start, end));
  const frames = decoder.text(new TextEncoder().encode(text));
  return JSON.parse(JSON.stringify(frames), (_key, value: unknown) =>
    typeof value === 'string' ? Buffer.from(value, 'latin1').toString() : value,
  ) as unknown[];
}

/** What JSON has of it: members that are undefined are left out. */
const plain = (frame: unknown): unknown => JSON.parse(JSON.stringify(frame));

const message: PublishMessage = {
  queue: 'orders',
  topics: undefined,
  body: '{"n":12345678901234567890,"n":"\\u0041"}',
  binary: false,
  id: ID,
  headers: '{"lang":"日本"}',
  delayMs: 500,
  replyTo: '@alice',
  correlation: '"c-1"',
  exceptSelf: false,
};

const FRAMES: readonly ClientFrame[] = [
  { type: 'hello', ref: '0', client: 'alice', token: 'a"b', graceMs: 5000, arrays: true },
  { type: 'publish', ref: '1', batch: false, messages: [message] },
  {
    type: 'publish',
    ref: '2',
    batch: false,
    messages: [{ ...message, queue: undefined, topics: ['room.lobby'], exceptSelf: true }],
  },
  {
    type: 'publish',
    ref: '3',
    batch: false,
    messages: [{ ...message, queue: undefined, topics: ['a.b', 'c'], headers: undefined, delayMs: 0 }],
  },
  { type: 'publish', ref: '4', batch: true, messages: [message, { ...message, correlation: undefined }] },
  { type: 'subscribe', ref: '5', queue: 'orders', topic: undefined, prefetch: 7, autoAck: false },
  { type: 'subscribe', ref: '6', queue: undefined, topic: 'room.#', prefetch: 100, autoAck: true },
  { type: 'unsubscribe', ref: '7', queue: undefined, topic: undefined },
  { type: 'ack', ref: '8', ids: [ID], queue: 'orders' },
  { type: 'ack', ref: '9', ids: [ID, ID.replace('0194', '0195')], queue: undefined },
  { type: 'nack', ref: '10', ids: [ID], queue: undefined, delayMs: 0 },
  { type: 'extend', ref: '11', ids: [ID], queue: '@alice', ms: 1000 },
  { type: 'declare', ref: '12', queue: 'orders', leaseMs: 1000, backoffMs: [1, 2] },
  { type: 'bind', ref: '13', queue: 'orders', topic: 'a.*' },
  { type: 'unbind', ref: '14', queue: 'orders', topic: 'a.*' },
  { type: 'ping', ref: undefined },
];

describe('what a client sends', () => {
  test.each(FRAMES.map((frame) => [frame.type, frame] as const))('is read by the broker as it was meant: %s', (_type, frame) => {
    expect(asBrokerReads(encodeClientFrame(frame))).toEqual([plain(frame)]);
  });

  test('is read alike in an array', () => {
    expect(asBrokerReads(`[${FRAMES.map(encodeClientFrame).join(',')}]`)).toEqual(FRAMES.map(plain));
  });

  test('carries any JSON text unchanged', () => {
    fc.assert(
      fc.property(fc.json({ noUnicodeString: false }), (body) => {
        const [frame] = asBrokerReads(
          encodeClientFrame({ type: 'publish', ref: '1', batch: false, messages: [{ ...message, body }] }),
        );
        expect((frame as { messages: PublishMessage[] }).messages[0]?.body).toBe(body);
      }),
    );
  });

  test('puts a body of bytes behind its line of JSON', () => {
    const line = encodeClientFrame({
      type: 'publish',
      ref: '1',
      batch: false,
      messages: [{ ...message, binary: true, headers: undefined }],
    });
    const bytes = encodeBinary(line, Uint8Array.of(0, 10, 255));
    expect(utf8.decode(bytes.subarray(0, line.length + 1))).toBe(`${line}\n`);
    expect([...bytes.subarray(-3)]).toEqual([0, 10, 255]);
  });
});

describe('what the broker sends', () => {
  const delivery = {
    queue: 'orders',
    id: ID,
    attempt: 2,
    time: 1,
    topic: 'room.lobby',
    from: 'bob',
    headers: '{"lang":"日本"}',
    replyTo: '@bob',
    correlation: '"c"',
    binary: false,
  };

  test('has bodies that are byte for byte those of the broker', () => {
    fc.assert(
      fc.property(fc.array(fc.json({ noUnicodeString: false }), { minLength: 1, maxLength: 5 }), (bodies) => {
        const texts = bodies.map((body) => encodeMessage({ ...delivery, body }));
        const frames = texts.length === 1 ? decodeBrokerText(texts[0] ?? '') : decodeBrokerText(`[${texts.join(',')}]`);
        expect(frames.map((frame) => frame.type === 'message' && frame.body)).toEqual(bodies);
      }),
    );
  });

  test('has the fields of a message', () => {
    expect(decodeBrokerText(encodeMessage({ ...delivery, body: ' 1 '.trim() }))).toEqual([
      {
        type: 'message',
        queue: 'orders',
        id: ID,
        attempt: 2,
        time: 1,
        topic: 'room.lobby',
        from: 'bob',
        headers: { lang: '日本' },
        replyTo: '@bob',
        correlation: 'c',
        body: '1',
      },
    ]);
  });

  test('has bodies of bytes in binary frames', () => {
    const line = encodeMessage({ ...delivery, binary: true, body: '' });
    const frame = Uint8Array.from([...new TextEncoder().encode(line), 10, 0, 255]);
    expect(decodeBrokerBytes(frame)).toEqual([expect.objectContaining({ type: 'message', body: Uint8Array.of(10, 0, 255) })]);
  });

  test('may hold a body with braces, quotes and a member named body in it', () => {
    const body = '{"body":{"body":"\\"}]"},"a":["}"]}';
    expect(decodeBrokerText(encodeMessage({ ...delivery, body }))[0]).toMatchObject({ body });
  });

  test('has replies with their ref, and frames of an unknown type that are left out', () => {
    const welcome = {
      client: 'a',
      resumed: true,
      inbox: { queue: '@a', waiting: 1, unacked: 0 },
      lost: [],
      limits: { frame: 1 },
      server: { name: 'x', version: '1' },
    };
    const text = `[${encodeOk('7', ',"count":1')},{"type":"later","body":[1]},${encodeWelcome(welcome, '0')}]`;
    expect(decodeBrokerText(text)).toEqual([
      { type: 'ok', ref: 7, fields: { type: 'ok', ref: 7, count: 1 } },
      { type: 'welcome', ref: 0, ...welcome },
    ]);
  });

  test.each(['', 'x', '[1]', '{"type":"message","queue":"q"}', '{"a', '{"type":"ok","ref":}', '[{"type":"ok"', '{"type":"pong"'])(
    'is refused when it is no frame: %s',
    (text) => {
      expect(() => decodeBrokerText(text)).toThrow(expect.objectContaining({ code: 'bad_frame' }) as Error);
    },
  );
});

describe('a walk over JSON text', () => {
  test('ends where the value ends', () => {
    fc.assert(
      fc.property(fc.json({ noUnicodeString: false }), (text) => {
        expect(endOfValue(`${text},1`, 0)).toBe(text.length);
      }),
    );
  });

  test.each([
    ['1', 0],
    ['"[[["', 0],
    ['[]', 1],
    ['{"a":[{"b":"]}"}],"c":[[]]}', 3],
  ])('counts how deep %s is', (text, depth) => {
    expect(depthOf(text)).toBe(depth);
  });
});
