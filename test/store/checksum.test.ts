/** The checksums are a part of the format: another way to work them out would take every stored message for a rotten one. */
import { Buffer } from 'node:buffer';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import {
  blockChecksum,
  blockPlaceChecksum,
  bodyChecksum,
  isSoundBlock,
  isSoundBody,
  isSoundMessage,
  isSoundQueue,
  messageChecksum,
  queueChecksum,
  STATE_CHECKSUM_SQL,
  stateChecksum,
} from '../../src/store/sqlite/checksum.ts';

const ID = '0194a1b0-6a5e-7c3e-9d5e-000000000001';
const TIME = 1_700_000_000_000;
const BODY = Buffer.from('"hello"');

describe('worked out elsewhere (Python: zlib.crc32 over struct.pack)', () => {
  it('of messages', () => {
    expect(messageChecksum(7, 2 ** 33, TIME, ID, Buffer.from('{"topic":"t"}'), BODY)).toBe(3636699931);
    expect(messageChecksum(7, 8, TIME, ID, null, Buffer.alloc(0))).toBe(4266489445);
    expect(messageChecksum(7, 8, TIME, ID, null, 5)).toBe(2071314427);
  });

  it('of shared bodies, blocks and queues', () => {
    expect(bodyChecksum(5, BODY)).toBe(2854694282);
    expect(blockPlaceChecksum(10, 20, 3)).toBe(2850433599);
    expect(blockChecksum(2850433599, Buffer.from('data'))).toBe(2538575748);
    expect(queueChecksum(1, 'default', 'q', '{}', 0)).toBe(1276492893);
  });

  it('of what changes in a row, in SQL as well', () => {
    expect(stateChecksum(3, 1000)).toBe(3 * 65_537 + 1000);
    const db = new Database(':memory:');
    const inSql = db.prepare(`SELECT ${STATE_CHECKSUM_SQL} FROM (SELECT 3 AS attempts, 1000 AS due)`).pluck().get();
    db.close();
    expect(inSql).toBe(stateChecksum(3, 1000));
  });
});

describe('what damage may make of a row is not sound, and nothing throws', () => {
  const checksum = messageChecksum(7, 8, TIME, ID, null, BODY) + stateChecksum(2, 0);
  const row = [7, 8, TIME, ID, null, BODY, 2, 0, checksum] as const;

  it('but the row as it was is', () => {
    expect(isSoundMessage(...row)).toBe(true);
    expect(isSoundBody(5, BODY, bodyChecksum(5, BODY))).toBe(true);
    expect(isSoundBlock(10, 20, 3, BODY, blockChecksum(blockPlaceChecksum(10, 20, 3), BODY))).toBe(true);
    expect(isSoundQueue(1, 'default', 'q', '{}', 0, queueChecksum(1, 'default', 'q', '{}', 0))).toBe(true);
  });

  it.each(
    ['queue', '', 'time', 'id', 'attributes', 'body', 'attempts', 'due', 'checksum'].flatMap((column, at) =>
      column === '' ? [] : [undefined, 'text', 1.5, Buffer.from('x')].map((value) => [column, value, at] as const),
    ),
  )('a message with %s = %s', (_, value, at) => {
    const damaged = row.with(at, value as never) as unknown as Parameters<typeof isSoundMessage>;
    expect(isSoundMessage(...damaged)).toBe(false);
  });

  it.each([35, 37])('a message whose id has %d characters', (length) => {
    const id = ID.padEnd(length, '1').slice(0, length);
    // the checksum is of the first 36 bytes
    const sum = messageChecksum(7, 8, TIME, id, null, BODY) + stateChecksum(2, 0);
    expect(isSoundMessage(7, 8, TIME, id, null, BODY, 2, 0, sum)).toBe(false);
  });

  it('a number as text, where the sum would be the same', () => {
    const sum = (value: unknown, at: number): boolean =>
      isSoundMessage(...(row.with(at, value as never) as unknown as Parameters<typeof isSoundMessage>));
    expect([sum('7', 0), sum(String(TIME), 2), sum('2', 6), sum('0', 7), sum(null, 7)]).toEqual(Array(5).fill(false));
    const block = blockChecksum(blockPlaceChecksum(10, 20, 3), BODY);
    expect([isSoundBlock(10, '20', 3, BODY, block), isSoundBlock(10, 20, '3', BODY, block)]).toEqual([false, false]);
  });

  it('parts of other kinds', () => {
    for (const part of [null, undefined, 5, 'text']) {
      expect(isSoundBody(5, part, 0)).toBe(false);
      expect(isSoundBlock(10, 20, 3, part, 0)).toBe(false);
    }
  });
});
