/** Makes frames that nobody should send, and says what the broker must make of them as far as that is known beforehand. */
import type { SeededRandom } from './seeded-random.ts';

export interface HostileFrame {
  readonly data: string | Buffer;
  /**
   * `closes`: an error and then a close, or a close by the WebSocket itself. A code: that error, and the connection stays.
   * `open`: the connection stays, with or without an error.
   */
  readonly verdict: 'closes' | 'open' | (string & {});
}

const ID = '0194a1b0-6a5e-7c3e-9d5e-5f1d2c3b4a59';
const VALID: readonly [string, ...string[]] = [
  '{"type":"publish","ref":1,"queue":"hostile","body":{"a":[1,2.5e3,"x\\u00e9"]}}',
  '{"type":"publish","ref":2,"topic":"hostile.topic","body":null,"headers":{"a":"b"},"exceptSelf":true}',
  `{"type":"publish","messages":[{"queue":"hostile","body":1,"id":"${ID}"},{"topics":["h.a","h.b"],"body":2}]}`,
  '{"type":"subscribe","ref":3,"queue":"hostile","prefetch":1}',
  '{"type":"unsubscribe","ref":4,"queue":"hostile"}',
  `{"type":"ack","ref":5,"ids":["${ID}"]}`,
  `{"type":"nack","ref":6,"id":"${ID}","delay":10}`,
  `{"type":"extend","ref":7,"id":"${ID}","ms":100}`,
  '{"type":"declare","ref":8,"queue":"hostile","lease":5000,"backoff":[1,2,3]}',
  '{"type":"bind","ref":9,"queue":"hostile","topic":"hostile.#"}',
  '{"type":"unbind","ref":10,"queue":"hostile","topic":"hostile.#"}',
  '[{"type":"ping"},{"type":"ping","ref":"r"}]',
  '{"type":"hello","client":"somebody","token":"secret","grace":1}',
];

const BAD: readonly [readonly [string, string], ...(readonly [string, string])[]] = [
  ['{}', 'bad_field'],
  ['{"type":1}', 'bad_field'],
  ['{"type":null,"ref":1}', 'bad_field'],
  ['{"type":"PUBLISH"}', 'unknown_type'],
  ['{"type":"constructor"}', 'unknown_type'],
  ['{"type":"__proto__"}', 'unknown_type'],
  ['{"type":"transact","ack":[]}', 'unsupported'],
  ['{"__proto__":{"type":"ping"},"type":"ping"}', 'bad_field'],
  ['{"type":"ping","type":"ping"}', 'bad_field'],
  ['{"type":"ping","ref":{}}', 'bad_field'],
  [`{"type":"ping","ref":"${'r'.repeat(65)}"}`, 'bad_field'],
  ['{"type":"ping","ref":1.5}', 'bad_field'],
  ['{"type":"publish","queue":"q"}', 'bad_field'],
  ['{"type":"publish","body":1}', 'bad_field'],
  ['{"type":"publish","queue":"q","topic":"t","body":1}', 'bad_field'],
  ['{"type":"publish","queue":"../../etc/passwd","body":1}', 'bad_field'],
  ['{"type":"publish","queue":"\\u0000","body":1}', 'bad_field'],
  ['{"type":"publish","topic":"a..b","body":1}', 'bad_field'],
  ['{"type":"publish","topic":"a.*","body":1}', 'bad_field'],
  [`{"type":"publish","topic":"${'a.'.repeat(200)}a","body":1}`, 'bad_field'],
  ['{"type":"publish","topics":[],"body":1}', 'bad_field'],
  ['{"type":"publish","queue":"q","body":1,"id":"not-a-uuid"}', 'bad_field'],
  ['{"type":"publish","queue":"q","body":1,"delay":-1}', 'bad_field'],
  ['{"type":"publish","queue":"q","body":1,"delay":1e99}', 'bad_field'],
  ['{"type":"publish","queue":"q","body":1,"headers":[]}', 'bad_field'],
  ['{"type":"publish","queue":"q","body":1,"headers":{"a":1}}', 'bad_field'],
  [`{"type":"publish","queue":"q","body":1,"headers":{"a":"${'x'.repeat(2000)}"}}`, 'too_large'],
  ['{"type":"publish","queue":"q","body":1,"ttl":1}', 'unsupported'],
  ['{"type":"publish","messages":[]}', 'bad_field'],
  ['{"type":"publish","messages":{"queue":"q"}}', 'bad_field'],
  ['{"type":"publish","messages":[1]}', 'bad_field'],
  ['{"type":"publish","messages":[{"queue":"q","body":1}],"queue":"q"}', 'bad_field'],
  [`{"type":"publish","messages":[${'{},'.repeat(1000)}{}]}`, 'too_large'],
  ['{"type":"subscribe","queue":"q","prefetch":0}', 'bad_field'],
  ['{"type":"subscribe","queue":"q","prefetch":10001}', 'bad_field'],
  ['{"type":"subscribe","queue":"@somebody"}', 'forbidden'],
  ['{"type":"subscribe","queue":"q","autoAck":1}', 'bad_field'],
  ['{"type":"ack"}', 'bad_field'],
  ['{"type":"ack","ids":[]}', 'bad_field'],
  [`{"type":"ack","ids":["${ID}","${ID}"]}`, 'bad_field'],
  [`{"type":"ack","id":"${ID.replace('0', 'f')}"}`, 'not_held'],
  ['{"type":"declare","queue":"q","backoff":[-1]}', 'bad_field'],
  ['{"type":"declare","queue":"q","lease":null}', 'bad_field'],
  ['{"type":"bind","queue":"q"}', 'bad_field'],
  ['{"type":"bind","queue":"q","topic":""}', 'bad_field'],
  [`{"type":"ping","nonsense":${'['.repeat(2000)}${']'.repeat(2000)}}`, 'too_large'],
  [`{"type":"publish","queue":"q","body":${'{"a":'.repeat(1500)}1${'}'.repeat(1500)}}`, 'too_large'],
];

const NOT_FRAMES: readonly [string, ...string[]] = [
  '',
  ' ',
  'null',
  '"text"',
  '[[]]',
  '[{"type":"ping"},]',
  '[{"type":"ping"} {"type":"ping"}]',
  '{"type":"ping"',
  '{"type":"ping"}}',
  "{'type':'ping'}",
  '{"type":"ping","ref":01}',
  '{"type":"ping","ref":+1}',
  '{"type":"publish","queue":"q","body":NaN}',
  '{"type":"publish","queue":"q","body":"\u0001"}',
  '{"type":"publish","queue":"q","body":"\\x41"}',
  '\ufeff{"type":"ping"}',
  '['.repeat(30_000),
  '{"a":'.repeat(10_000),
  'GET / HTTP/1.1\r\n\r\n',
];

const VALUES: readonly [string, ...string[]] = [
  'null',
  'true',
  '-0',
  '1e400',
  '123456789012345678901234567890',
  '""',
  '"\\ud800"',
  '[]',
  '{}',
  '[[[[]]]]',
  '{"type":"ping"}',
  '"a\\u0000b"',
  '"\u2028"',
  '["x",1,null]',
];
const KEYS: readonly [string, ...string[]] = [
  'type',
  ...'ref queue topic topics body id ids headers delay ttl ms messages prefetch'.split(' '),
  ...'__proto__ constructor toString é quueue TYPE'.split(' '),
  '',
];

export function hostileFrame(random: SeededRandom, frameBytesMax: number): HostileFrame {
  const kind = random.between(0, 99);
  if (kind < 40) {
    const [data, verdict] = random.pick(BAD);
    return { data, verdict };
  }
  if (kind < 70) return judged(structured(random));
  if (kind < 76) return judged(mutated(random.pick(VALID), random));
  if (kind < 98) return binary(random);
  if (kind < 99) return { data: random.pick(NOT_FRAMES), verdict: 'closes' };
  const size = frameBytesMax + random.between(1, 1000);
  return { data: random.chance(0.5) ? 'x'.repeat(size) : Buffer.alloc(size, 'x'), verdict: 'closes' };
}

/** A valid frame in which one member is another one, or has another value. It stays JSON. */
function structured(random: SeededRandom): string {
  const frame = random.pick(VALID);
  const member = `${JSON.stringify(random.pick(KEYS))}:${random.pick(VALUES)}`;
  if (frame.startsWith('[')) return `[${frame.slice(1, -1)},{${member}}]`;
  if (random.chance(0.3)) return `${frame.slice(0, -1)},${member}}`;
  const parsed = JSON.parse(frame) as Record<string, unknown>;
  const names = Object.keys(parsed);
  const replaced = names[random.between(0, names.length - 1)] ?? 'type';
  const members = names.map((name) => `"${name}":${name === replaced ? random.pick(VALUES) : JSON.stringify(parsed[name])}`);
  if (random.chance(0.3)) members.splice(random.between(0, members.length - 1), 1);
  return `{${members.join(random.chance(0.5) ? ',' : ' ,\r\n\t')}}`;
}

/** A few characters gone, doubled, changed or put in. */
function mutated(text: string, random: SeededRandom): string {
  let result = text;
  for (let left = random.between(1, 3); left > 0; left--) {
    const at = random.between(0, result.length);
    const end = Math.min(result.length, at + random.between(0, 5));
    const piece = random.pick([
      '',
      result.slice(at, end).repeat(2),
      '"',
      '\\',
      '{',
      ']',
      ',',
      ':',
      '0',
      'e',
      '\u0000',
      '\n',
      '💥',
    ]);
    result = result.slice(0, at) + piece + result.slice(end);
  }
  return result;
}

function binary(random: SeededRandom): HostileFrame {
  const junk = Buffer.from(Array.from({ length: random.between(0, 40) }, () => random.between(0, 255)));
  const kind = random.between(0, 19);
  if (kind === 0) return { data: Buffer.concat([Buffer.from([random.between(0x80, 0xff)]), junk]), verdict: 'closes' };
  const line = (text: string): Buffer => Buffer.concat([Buffer.from(`${text}\n`), junk]);
  if (kind < 5) return { data: line('{"type":"publish","queue":"hostile","body":1}'), verdict: 'bad_field' };
  if (kind < 9) return { data: line('{"type":"ping"}'), verdict: 'bad_field' };
  if (kind < 13) return { data: line('{"type":"publish","messages":[{"queue":"q","body":1}]}'), verdict: 'bad_field' };
  if (kind < 17) return { data: line('{"type":"publish"}'), verdict: 'bad_field' };
  return { data: line('{"type":"publish","queue":"hostile-bytes"}'), verdict: 'open' };
}

/** What `JSON.parse` refuses, and what is neither an object nor an array of them, is not a frame. */
function judged(data: string): HostileFrame {
  try {
    const value: unknown = JSON.parse(data);
    const isObject = (each: unknown): boolean => typeof each === 'object' && each !== null && !Array.isArray(each);
    return { data, verdict: isObject(value) || (Array.isArray(value) && value.every(isObject)) ? 'open' : 'closes' };
  } catch {
    return { data, verdict: 'closes' };
  }
}
