/** What was read gives its memory back at once: left to the collector it stays for long (docs/decisions/0011). */
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { packBatch } from '../../src/store/sqlite/batch-codec.ts';
import { Blocks } from '../../src/store/sqlite/blocks.ts';
import { openDatabase } from '../../src/store/sqlite/database.ts';
import { SqliteEngine } from '../../src/store/sqlite/engine.ts';
import { packMessages } from '../../src/store/sqlite/message-codec.ts';
import { release } from '../../src/store/sqlite/planes.ts';
import { prepareStatements } from '../../src/store/sqlite/statements.ts';
import type { Change } from '../../src/store/store.ts';
import { create, FROM_START, NO_LIMITS, publication, publish, publishSeqs, settle } from './changes.ts';
import { makeTemporaryDirectory, removeDirectory } from './temporary-directory.ts';

let directory: string;
let engine: SqliteEngine;
beforeEach(() => {
  directory = makeTemporaryDirectory();
  engine = new SqliteEngine(join(directory, 'holdfast.db'));
});
afterEach(() => {
  engine.close();
  removeDirectory(directory);
});

it('blocks that were read, but for the last, which is likely to be asked for again', () => {
  const seqs = (from: number): number[] => Array.from({ length: 10 }, (_, i) => from + i);
  const all = [...seqs(100), ...seqs(200), ...seqs(300)];
  engine.commit(packBatch([{ kind: 'reserve', seq: 1000 }, create(1)]));
  for (const from of [100, 200, 300]) engine.commit(packBatch(publishSeqs(1, seqs(from))));
  const read = () => engine.read(1, FROM_START, NO_LIMITS).rows;
  const bodies = read().map((row) => row[7]);
  const texts = bodies.map(String);
  expect(texts.filter((text) => text !== '')).toHaveLength(all.length);
  engine.releaseRead();
  expect(bodies.map(String)).toEqual(texts.map((text, i) => (i < 20 ? '' : text)));
  expect(read().map(([seq, , , , , , , body]) => [seq, String(body)])).toEqual(all.map((seq, i) => [seq, texts[i]]));
});

it('a read of blocks of which little is left stops at some MiB, and goes on where it stopped', () => {
  const body = 'x'.repeat(6000);
  const firsts = Array.from({ length: 60 }, (_, i) => 100 * (i + 1));
  engine.commit(packBatch([{ kind: 'reserve', seq: 10_000 }, create(1)]));
  for (const first of firsts) {
    const seqs = Array.from({ length: 20 }, (_, i) => first + i);
    engine.commit(packBatch(seqs.map((seq) => publish(publication([[1, seq]], { body })))));
    engine.commit(packBatch([settle(1, seqs.slice(1))]));
  }
  const read: number[] = [];
  let reads = 0;
  for (let more = true; more; reads++) {
    const result = engine.read(1, { kind: 'after', seq: read.at(-1) ?? 0 }, NO_LIMITS);
    expect(engine.bytesRead).toBeLessThan(4.2 * 2 ** 20);
    read.push(...result.rows.map(([seq]) => seq));
    engine.releaseRead();
    ({ more } = result);
  }
  expect([reads, read]).toEqual([2, firsts]);
});

it('blocks that messages are taken from in turn, so that a commit holds two at most', () => {
  const turns = Array.from({ length: 20 }, (_, i) => [100 + i, 200 + i]).flat();
  const body = 'x'.repeat(1000);
  const publications = (from: number): Change[] =>
    Array.from({ length: 20 }, (_, i) => publish(publication([[1, from + i]], { body })));
  engine.commit(packBatch([{ kind: 'reserve', seq: 1000 }, create(1)]));
  for (const from of [100, 200]) engine.commit(packBatch(publications(from)));
  const db = openDatabase(join(directory, 'holdfast.db'));
  const blocks = new Blocks(prepareStatements(db));
  const taken = turns.map((seq) => {
    expect([seq, String(blocks.take(1, seq)?.[7])]).toEqual([seq, body]);
    return blocks.bytesRead;
  });
  db.close();
  expect(Math.max(...taken)).toBeGreaterThan(20 * 1000);
  expect(Math.max(...taken)).toBeLessThan(25 * 1000);
});

it('planes', () => {
  const planes = packMessages([[1, 0, 0, 'x'.repeat(36), 1, null, 0, Buffer.from('hello')]]);
  expect(planes.bytes.byteLength).toBe(41);
  release(planes);
  expect(planes.bytes.byteLength + planes.numbers.byteLength).toBe(0);
});
