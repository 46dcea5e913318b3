import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FrameError } from '../../src/protocol/native/frame.ts';
import { JsonScanner } from '../../src/protocol/native/json-scanner.ts';

/** Where the value that begins the text ends, white space behind it aside; undefined when it is not JSON. */
function endOf(text: string, depthUsual = 4): number | undefined {
  const bytes = Buffer.from(text);
  const scanner = new JsonScanner(depthUsual);
  scanner.begin(bytes, bytes.length);
  try {
    scanner.value();
    const end = scanner.pos;
    return scanner.peek() === -1 ? end : undefined;
  } catch (error) {
    if (error instanceof FrameError) return undefined;
    throw error;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** JSON text as somebody else's encoder might write it: white space anywhere, escapes where none are needed. */
const spacedJson = fc.tuple(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom('', ' ', '\n\t', '\r\n  ')).map(([value, space]) => {
  const text = JSON.stringify(value, undefined, space);
  return space === '' ? text : `${space}${text}${space}`;
});

const mutatedJson = fc
  .tuple(
    spacedJson,
    fc.array(
      fc.tuple(
        fc.nat(),
        fc.nat(3),
        fc.oneof(
          fc.constantFrom(
            '',
            '"',
            '\\',
            '\\u',
            '\\u12',
            '{',
            '}',
            '[',
            ']',
            ',',
            ':',
            '-',
            '+',
            '.',
            'e',
            '0',
            '00',
            'true',
            'nul',
          ),
          fc.constantFrom(' ', '\u0000', '\u001f', '\u007f', '\u00a0', '\u2028', '\ufeff', 'é', '💥', "'", '/', '\b'),
        ),
      ),
      { minLength: 1, maxLength: 4 },
    ),
  )
  .map(([text, edits]) =>
    edits.reduce((edited, [at, removed, piece]) => {
      const place = at % (edited.length + 1);
      return edited.slice(0, place) + piece + edited.slice(place + removed);
    }, text),
  );

it('accepts all that JSON.parse accepts, and finds its end', () => {
  fc.assert(
    fc.property(spacedJson, (text) => {
      expect(endOf(text)).toBe(Buffer.byteLength(text.trimEnd()));
    }),
    { numRuns: 2000 },
  );
});

it('accepts of mutations exactly what JSON.parse accepts', () => {
  fc.assert(
    fc.property(mutatedJson, (text) => {
      expect(endOf(text) !== undefined).toBe(isJson(text));
    }),
    { numRuns: 20_000 },
  );
});

it('accepts of short texts in JSON’s own characters exactly what JSON.parse accepts', () => {
  const characters = fc.constantFrom(...'{}[]",:\\-+.eE019tnu lsr/ \n'.split(''));
  fc.assert(
    fc.property(fc.string({ unit: characters, maxLength: 12 }), (text) => {
      expect(endOf(text) !== undefined).toBe(isJson(text));
    }),
    { numRuns: 50_000 },
  );
});

it('knows numbers, literals and escapes in every form', () => {
  const good = [
    '0',
    '-0',
    '10',
    '1.5',
    '1e5',
    '1E+5',
    '1e-05',
    '-1.0e0',
    'true',
    'false',
    'null',
    '"\\"\\\\\\/\\b\\f\\n\\r\\t\\uAf09"',
  ];
  const bad = [
    '01',
    '-',
    '+1',
    '.5',
    '1.',
    '1e',
    '1e+',
    '--1',
    '0x1',
    'NaN',
    'tru',
    'truee',
    'True',
    '"\\x"',
    '"\\u12g4"',
    '"\n"',
    '"',
  ];
  for (const text of good) expect(endOf(text), text).toBe(text.length);
  for (const text of bad) expect(endOf(text), text).toBeUndefined();
});

it('walks to any depth without recursion, and tells how deep it was', () => {
  for (const depth of [1, 4, 5, 1000, 200_000]) {
    const text = '[{"a":'.repeat(depth) + '1' + '}]'.repeat(depth);
    const bytes = Buffer.from(text);
    const scanner = new JsonScanner(4);
    scanner.begin(bytes, bytes.length);
    scanner.value();
    expect(scanner.pos).toBe(text.length);
    expect(scanner.deepest).toBe(2 * depth);
    expect(endOf(text.slice(0, -1))).toBeUndefined();
  }
});

it('never reads beyond the end that it was given', () => {
  fc.assert(
    fc.property(spacedJson, fc.nat(), (text, at) => {
      const bytes = Buffer.from(text);
      const end = at % (bytes.length + 1);
      const scanner = new JsonScanner(4);
      scanner.begin(bytes, end);
      try {
        scanner.value();
      } catch (error) {
        if (!(error instanceof FrameError)) throw error;
      }
      expect(scanner.pos).toBeLessThanOrEqual(end);
    }),
    { numRuns: 2000 },
  );
});
