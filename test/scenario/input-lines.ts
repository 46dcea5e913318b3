/** Lines of JSON as real programs write them, with all that a broker which reads and writes bodies anew would alter. */
import { readFileSync } from 'node:fs';
import { SeededRandom } from '../support/seeded-random.ts';

const WORDS = [
  'holdfast',
  'queue',
  'Grüße',
  'naïve',
  '前田あゆみ',
  '照れますがな',
  'Привет',
  'שלום',
  '😋✨✨',
  '👩‍👩‍👧‍👦',
  '\\u00e9\\ud83d\\ude00',
  '\\"quoted\\"',
  '\\/slash\\/',
  'tab\\tand\\nline',
  '\u2028',
  'e\u0301',
] as const;
const NUMBERS = [
  '505874924095815681',
  '9007199254740993',
  '-0',
  '1.0',
  '1E400',
  '0.1e-7',
  '123456789012345678901234567890',
] as const;

/** Of 0.5 to 8 KB each. */
export function generatedLines(count: number, seed: number): string[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: count }, (_, n) => line(n, random));
}

/** Of files that hold one JSON text a line. */
export function linesOf(paths: readonly string[]): string[] {
  return paths.flatMap((path) =>
    readFileSync(path, 'utf8')
      .split('\n')
      .filter((text) => text.trim() !== ''),
  );
}

function line(n: number, random: SeededRandom): string {
  const wanted = random.between(500, 8000);
  const members = [`"id":${random.pick(NUMBERS)}`, `"id":${n}`, `"n" : ${n}`];
  for (let bytes = 0; bytes < wanted; ) {
    const member = `"${random.pick(WORDS)}":${value(random, 3)}`;
    members.push(member);
    bytes += Buffer.byteLength(member);
  }
  return `{${members.join(random.pick([',', ', ', ' ,\t']))}}`;
}

function value(random: SeededRandom, depth: number): string {
  const kind = random.between(0, depth > 0 ? 5 : 3);
  if (kind === 0) return random.pick(NUMBERS);
  if (kind === 1) return random.pick(['true', 'false', 'null']);
  if (kind < 4) return `"${Array.from({ length: random.between(0, 20) }, () => random.pick(WORDS)).join(' ')}"`;
  const values = Array.from({ length: random.between(0, 4) }, () => value(random, depth - 1));
  return kind === 4 ? `[${values.join(', ')}]` : `{${values.map((each) => `"${random.pick(WORDS)}":${each}`).join(',')}}`;
}
