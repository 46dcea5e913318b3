import { describe, expect, it } from 'vitest';
import { FrameError } from '../../src/protocol/native/frame.ts';
import { carried, decode, decodeAll, refusal } from '../support/frame-codec.ts';

const ID = '0194a1b0-6a5e-7c3e-9d5e-5f1d2c3b4a59';
const OTHER = 'ffffffff-ffff-4fff-bfff-ffffffffffff';
const message = {
  queue: undefined,
  topics: undefined,
  body: '1',
  binary: false,
  id: undefined,
  headers: undefined,
  delayMs: 0,
  replyTo: undefined,
  correlation: undefined,
  exceptSelf: false,
};
const publish = { type: 'publish', ref: undefined, batch: false };

describe('every kind of frame', () => {
  const vectors: readonly (readonly [string, object])[] = [
    ['{"type":"ping"}', { type: 'ping', ref: undefined }],
    [' \r\n\t{ "type" : "ping" , "ref" : "a\\"b" } \n', { type: 'ping', ref: '"a\\"b"' }],
    ['{"type":"ping","ref":-9007199254740993}', { type: 'ping', ref: '-9007199254740993' }],
    ['{"t\\u0079pe":"\\u0070ing","\\u0072ef":0}', { type: 'ping', ref: '0' }],
    ['{"type":"hello"}', { type: 'hello', ref: undefined, client: undefined, token: undefined, graceMs: 0, arrays: false }],
    [
      '{"type":"hello","ref":1,"client":"al.ice","token":"t\\u00e9é","grace":5000,"arrays":true}',
      { type: 'hello', ref: '1', client: 'al.ice', token: 'téé', graceMs: 5000, arrays: true },
    ],
    ['{"type":"publish","queue":"q","body":1}', { ...publish, messages: [{ ...message, queue: 'q' }] }],
    ['{"type":"publish","queue":"@a","body":null}', { ...publish, messages: [{ ...message, queue: '@a', body: 'null' }] }],
    ['{"type":"publish","queue":"\\u0071","body":1}', { ...publish, messages: [{ ...message, queue: 'q' }] }],
    [
      `{"body": [1, 2] ,"type":"publish","topic":"a.b","id":"${ID.toUpperCase()}","headers":{"é":"ü"},"delay":7,"replyTo":"@a","correlation":"\\u0041","exceptSelf":true}`,
      {
        ...publish,
        messages: [
          {
            ...message,
            topics: ['a.b'],
            body: '[1, 2]',
            id: ID,
            headers: carried('{"é":"ü"}'),
            delayMs: 7,
            replyTo: '@a',
            correlation: '"\\u0041"',
            exceptSelf: true,
          },
        ],
      },
    ],
    [
      '{"type":"publish","ref":2,"messages":[{"queue":"q","body":1},{"topics":["a","b"],"body":{"messages":[{}]}}]}',
      {
        type: 'publish',
        ref: '2',
        batch: true,
        messages: [
          { ...message, queue: 'q' },
          { ...message, topics: ['a', 'b'], body: '{"messages":[{}]}' },
        ],
      },
    ],
    [
      '{"type":"subscribe"}',
      { type: 'subscribe', ref: undefined, queue: undefined, topic: undefined, prefetch: 100, autoAck: false },
    ],
    [
      '{"type":"subscribe","topic":"a.#","prefetch":1,"autoAck":true}',
      { type: 'subscribe', ref: undefined, queue: undefined, topic: 'a.#', prefetch: 1, autoAck: true },
    ],
    ['{"type":"unsubscribe","queue":"q"}', { type: 'unsubscribe', ref: undefined, queue: 'q', topic: undefined }],
    [`{"type":"ack","id":"${ID}"}`, { type: 'ack', ref: undefined, ids: [ID], queue: undefined }],
    [`{"type":"ack","ids":["${ID}","${OTHER}"],"queue":"q"}`, { type: 'ack', ref: undefined, ids: [ID, OTHER], queue: 'q' }],
    [`{"type":"nack","id":"${ID}"}`, { type: 'nack', ref: undefined, ids: [ID], queue: undefined, delayMs: undefined }],
    [`{"type":"nack","id":"${ID}","delay":0}`, { type: 'nack', ref: undefined, ids: [ID], queue: undefined, delayMs: 0 }],
    [`{"type":"extend","id":"${ID}","ms":1}`, { type: 'extend', ref: undefined, ids: [ID], queue: undefined, ms: 1 }],
    ['{"type":"declare","queue":"q"}', { type: 'declare', ref: undefined, queue: 'q', leaseMs: undefined, backoffMs: undefined }],
    [
      '{"type":"declare","queue":"q","lease":1000,"backoff":[0, 5]}',
      { type: 'declare', ref: undefined, queue: 'q', leaseMs: 1000, backoffMs: [0, 5] },
    ],
    ['{"type":"bind","queue":"q","topic":"*.a"}', { type: 'bind', ref: undefined, queue: 'q', topic: '*.a' }],
    ['{"type":"unbind","queue":"q","topic":"#"}', { type: 'unbind', ref: undefined, queue: 'q', topic: '#' }],
  ];
  it.each(vectors)('%s', (text, frame) => {
    expect(decode(text)).toEqual(frame);
  });
});

describe('a frame is refused by the name of what is wrong', () => {
  const vectors: readonly (readonly [string, RegExp])[] = [
    ['{}', /^bad_field: type is missing; it must be one of hello, publish/],
    ['{"ref":5}', /^5 bad_field: type is missing/],
    ['{"type":7,"ref":"r"}', /^"r" bad_field: type must be one of .* and is 7$/],
    ['{"type":"pubish","ref":1}', /^1 unknown_type: there is no type "pubish"/],
    ['{"type":"transact"}', /^unsupported: transact/],
    ['{"type":"ping","ref":null}', /^bad_field: ref must be a string of at most 64 characters or a whole number, and is null$/],
    [`{"type":"ping","ref":"${'é'.repeat(65)}"}`, /^bad_field: ref must be .*and is "é{39}…$/],
    ['{"type":"ping","ref":1.0}', /^bad_field: ref/],
    [`{"type":"ping","ref":${'1'.repeat(64)}}`, /^bad_field: ref/],
    ['{"type":"ping","ref":1,"ref":1}', /^1 bad_field: ping: ref is given twice$/],
    ['{"type":"ping","quue":1}', /^bad_field: ping: there is no field "quue"; did you mean queue\?$/],
    ['{"type":"ping","AUTOACK":1}', /did you mean autoAck\?$/],
    ['{"type":"ping","zzz":1}', /^bad_field: ping: there is no field "zzz"$/],
    ['{"type":"ping","queue":"q"}', /^bad_field: ping has no field queue$/],
    ['{"type":"ping","__proto__":{}}', /there is no field "__proto__"/],
    ['{"type":"hello","client":"@a"}', /^bad_field: client must be/],
    ['{"type":"hello","grace":-1}', /^bad_field: grace must be a whole number of milliseconds from 0 to/],
    ['{"type":"hello","arrays":1}', /^bad_field: arrays must be true or false, and is 1$/],
    ['{"type":"hello","token":1}', /^bad_field: token must be a string/],
    ['{"type":"publish","queue":"q"}', /^bad_field: body is missing/],
    ['{"type":"publish","body":1}', /^bad_field: publish needs exactly one of queue, topic and topics$/],
    ['{"type":"publish","queue":"q","topics":["a"],"body":1}', /needs exactly one/],
    ['{"type":"publish","topic":"a","topics":["a"],"body":1}', /needs exactly one/],
    ['{"type":"publish","queue":"a b","body":1}', /^bad_field: queue must be a queue's name .* and is "a b"$/],
    ['{"type":"publish","topic":"a.*","body":1}', /^bad_field: topic must be words/],
    [`{"type":"publish","topic":"${'a'.repeat(256)}","body":1}`, /255 characters at most/],
    ['{"type":"publish","topics":["a",1],"body":1}', /^bad_field: topics must be an array of 1 to 100/],
    [
      `{"type":"publish","topics":[${'"a",'.repeat(100)}"a"],"body":1}`,
      /^too_large: topics has 101 members; the limit topics-max/,
    ],
    ['{"type":"publish","queue":"q","body":1,"id":"x"}', /^bad_field: id must be a UUID/],
    ['{"type":"publish","queue":"q","body":1,"headers":1}', /^bad_field: headers must be an object of strings/],
    ['{"type":"publish","queue":"q","body":1,"headers":{"a":"b","c":null}}', /^bad_field: headers must be an object of strings/],
    ['{"type":"publish","queue":"q","body":1,"correlation":1}', /^bad_field: correlation/],
    [`{"type":"publish","queue":"q","body":1,"correlation":"${'x'.repeat(1025)}"}`, /^bad_field: correlation/],
    ['{"type":"publish","queue":"q","body":1,"ttl":1}', /^unsupported: ttl/],
    ['{"type":"publish","queue":"q","body":1,"prefetch":1}', /^bad_field: publish has no field prefetch/],
    ['{"type":"publish","messages":[],"ref":1}', /^1 bad_field: messages must be an array of messages/],
    ['{"type":"publish","messages":1}', /^bad_field: messages must be an array/],
    ['{"type":"publish","messages":[{"queue":"q","body":1},3]}', /^bad_field: messages\[1\] must be an object/],
    [
      '{"type":"publish","messages":[{"queue":"q","body":1,"type":"publish"}]}',
      /^bad_field: messages\[0\]: a message has no field type/,
    ],
    ['{"type":"publish","messages":[{"queue":"q","body":1,"ttl":1}]}', /^unsupported: messages\[0\]: ttl/],
    ['{"type":"publish","messages":[{"queue":"q","body":1}],"body":1}', /^bad_field: publish with messages has no field body/],
    ['{"type":"ack","messages":[{"queue":"q","body":1}]}', /^bad_field: ack has no field messages/],
    ['{"type":"subscribe","queue":"q","topic":"t"}', /^bad_field: queue and topic exclude each other$/],
    ['{"type":"subscribe","prefetch":10001}', /^bad_field: prefetch must be a whole number from 1 to 10000, and is 10001$/],
    ['{"type":"subscribe","prefetch":"1"}', /^bad_field: prefetch/],
    ['{"type":"ack"}', /^bad_field: needs exactly one of id and ids$/],
    [`{"type":"ack","id":"${ID}","ids":["${ID}"]}`, /needs exactly one/],
    [`{"type":"ack","ids":["${ID}","${ID.toUpperCase()}"]}`, /^bad_field: ids names a message twice$/],
    ['{"type":"ack","ids":[]}', /^bad_field: ids must be an array of 1 to 1000/],
    ['{"type":"nack","id":"x","reject":true}', /^unsupported: reject/],
    [`{"type":"extend","id":"${ID}"}`, /^bad_field: ms is missing/],
    [`{"type":"extend","id":"${ID}","ms":0}`, /^bad_field: ms must be/],
    ['{"type":"declare"}', /^bad_field: queue is missing/],
    ['{"type":"declare","queue":"q","lease":999}', /^bad_field: lease must be/],
    ['{"type":"declare","queue":"q","backoff":[1.5]}', /^bad_field: backoff must be an array of at most 16/],
    [`{"type":"declare","queue":"q","backoff":[${'1,'.repeat(16)}1]}`, /^bad_field: backoff/],
    ['{"type":"bind","topic":"a"}', /^bad_field: queue is missing/],
    ['{"type":"bind","queue":"q"}', /^bad_field: topic is missing/],
    ['{"type":"bind","queue":"q","topic":"a.**"}', /^bad_field: topic must be a topic/],
  ];
  it.each(vectors)('%s', (text, wanted) => {
    expect(refusal(text)).toMatch(wanted);
  });
});

describe('what is not a frame is refused as a whole', () => {
  it.each([
    '',
    ' ',
    'x',
    '1',
    '"ping"',
    'null',
    '{',
    '{"type"}',
    '{"type":"ping"',
    '{"type":"ping",}',
    '{,}',
    '[',
    '[{"type":"ping"}',

    '[{"type":"ping"},]',
    '[1]',
    '[[]]',
    '[{"type":"ping"}{"type":"ping"}]',
    '{"type":"ping"} x',
    '{"type":"ping"}{}',
    "{'a':1}",

    '\ufeff{"type":"ping"}',
    '{"type":"publish","queue":"q","body":tru}',
    '{"type":"publish","messages":[{"queue":"q" "body":1}]}',
  ])('%j', (text) => {
    expect(refusal(text)).toMatch(/^bad_frame: /);
  });
});

describe('limits', () => {
  it('of headers count members and bytes', () => {
    const frame = (headers: string) => `{"type":"publish","queue":"q","body":1,"headers":${headers}}`;
    const limits = { headersMax: 2, headerBytesMax: 10 };
    expect(refusal(frame('{"a":"b","c":"d"}'), limits)).toBe('taken');
    expect(refusal(frame('{"a":"b","c":"d","e":"f"}'), limits)).toBe(
      'too_large: headers has 3 members; the limit headers-max is 2',
    );
    expect(refusal(frame('{"a":"12345678"}'), limits)).toMatch(/^too_large: a header of \d+ bytes; the limit header-max is 10$/);
    expect(refusal(frame(' { } '), limits)).toBe('taken');
  });

  it('of depth say whose frame it is, and let the others of an array through', () => {
    const deep = (levels: number) => `{"type":"publish","ref":7,"queue":"q","body":${'['.repeat(levels)}${']'.repeat(levels)}}`;
    expect(refusal(deep(8), { depthMax: 8 })).toBe('taken');
    expect(refusal(deep(9), { depthMax: 8 })).toBe('7 too_large: nested deeper than 8 levels, the limit depth-max');
    const both = decodeAll(`[${deep(9)},${deep(3)}]`, { depthMax: 8 });
    expect(both.map((each) => each instanceof FrameError)).toEqual([true, false]);
    const inBatch = `{"type":"publish","ref":8,"messages":[{"queue":"q","body":${'['.repeat(9)}${']'.repeat(9)}},{"queue":"q","body":1}]}`;
    expect(refusal(inBatch, { depthMax: 8 })).toMatch(/^8 too_large: nested deeper/);
  });

  it('of members of a batch and of an array of frames', () => {
    const batch = (count: number) => `{"type":"publish","messages":[${Array(count).fill('{"queue":"q","body":1}').join(',')}]}`;
    expect(refusal(batch(3), { batchMax: 3 })).toBe('taken');
    expect(refusal(batch(4), { batchMax: 3 })).toBe('too_large: messages has 4 members; the limit batch-max is 3');
    const frames = (count: number) => `[${Array(count).fill('{"type":"ping"}').join(',')}]`;
    expect(decodeAll(frames(3), { framesMax: 3 })).toHaveLength(3);
    expect(decodeAll(frames(4), { framesMax: 3 })).toMatchObject([{ code: 'too_large' }]);
  });
});

describe('an array of frames', () => {
  it('is decoded in order, each frame with its own error', () => {
    const decoded = decodeAll('[{"type":"ping","ref":1},{"type":"nope","ref":2} , {"type":"ping","ref":3}]');
    expect(decoded).toMatchObject([
      { type: 'ping', ref: '1' },
      { code: 'unknown_type', ref: '2' },
      { type: 'ping', ref: '3' },
    ]);
  });

  it('may be empty', () => {
    expect(decodeAll(' [ ] ')).toEqual([]);
  });
});

describe('a binary frame', () => {
  it('is a line of JSON, a newline and a body of any bytes', () => {
    const body = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    const frame = Buffer.concat([Buffer.from('{"type":"publish","ref":1,"queue":"q","headers":{"a":"é"}}\r\n'), body]);
    expect(decode(frame)).toMatchObject({
      type: 'publish',
      ref: '1',
      messages: [{ queue: 'q', binary: true, body: body.toString('latin1'), headers: carried('{"a":"é"}') }],
    });
    expect(decode(Buffer.from('{"type":"publish","queue":"q"}\n'))).toMatchObject({ messages: [{ body: '', binary: true }] });
  });

  it.each([
    ['{"type":"publish","queue":"q"}', /^bad_frame: a binary frame is a line of JSON, a newline/],
    ['\n', /^bad_frame: a frame is a JSON object/],
    ['[{"type":"ping"}]\n', /^bad_frame: a frame is a JSON object/],
    ['{"type":"publish",\n"queue":"q"}', /^bad_frame: not JSON/],
    ['{"type":"publish","ref":4,"queue":"q","body":1}\n', /^4 bad_field: body can not be/],
    ['{"type":"publish","messages":[{"queue":"q","body":1}]}\n', /^bad_field: messages can not be in a binary frame/],
    ['{"type":"ping","ref":1}\n', /^1 bad_field: type must be publish in a binary frame/],
  ])('%j is refused', (text, wanted) => {
    expect(refusal(Buffer.from(text))).toMatch(wanted);
  });
});
