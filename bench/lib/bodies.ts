/** What messages carry, as JSON texts of one byte a character: UTF-8, read as Latin-1. */
import { readFileSync } from 'node:fs';

/** Where a load's bodies come from, as its driver is told. */
export type BodySource =
  | { readonly kind: 'same'; readonly bytes: number }
  /** The lines of NDJSON files, in turn. */
  | { readonly kind: 'files'; readonly files: readonly string[] }
  /** Made-up records of so many bytes at least and about so many at most; there are as many small ones as large ones. */
  | {
      readonly kind: 'records';
      readonly count: number;
      readonly bytesMin: number;
      readonly bytesMax: number;
      readonly seed: number;
    };

/** Not empty. @throws if a file can't be read or has no lines. */
export function bodiesFrom(source: BodySource): readonly string[] {
  switch (source.kind) {
    case 'same':
      return [JSON.stringify('x'.repeat(source.bytes - 2))];
    case 'files':
      return source.files.flatMap(linesOf);
    case 'records':
      return madeUpRecords(source);
  }
}

function linesOf(file: string): readonly string[] {
  const lines = readFileSync(file, 'latin1')
    .split('\n')
    .filter((line) => line.trim() !== '');
  if (lines.length === 0) throw new Error(`${file} has no lines`);
  return lines;
}

const WORDS =
  'push fork issue comment café naïve Grüße 東京 repository branch "quoted" https://example.org/a/b?c=1 💡 release'.split(' ');

function madeUpRecords({ count, bytesMin, bytesMax, seed }: Extract<BodySource, { kind: 'records' }>): readonly string[] {
  const random = randomFrom(seed);
  return Array.from({ length: count }, (_, i) => {
    const bytes = bytesMin * (bytesMax / bytesMin) ** random();
    return Buffer.from(record(i, bytes, random)).latin1Slice();
  });
}

/** An event as services send them: nested, with numbers, flags, text in several scripts. */
function record(index: number, bytes: number, random: () => number): string {
  const head = JSON.stringify({ id: String(3_000_000_000 + index), public: random() < 0.9, actor: { id: index, url: null } });
  const parts: string[] = [];
  for (let length = head.length + '"payload":[],'.length; length < bytes; ) {
    const text = Array.from({ length: 6 }, () => WORDS[Math.floor(random() * WORDS.length)]).join(' ');
    const part = JSON.stringify({ sha: Math.floor(random() * 2 ** 48).toString(16), size: Math.floor(random() * 1e6), text });
    parts.push(part);
    length += Buffer.byteLength(part) + 1;
  }
  return `${head.slice(0, -1)},"payload":[${parts.join(',')}]}`;
}

/** From 0 to below 1, the same for the same seed: mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
