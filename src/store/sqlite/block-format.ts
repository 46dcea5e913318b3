/**
 * A block's data: a number of messages, a head for each, then the bytes of each. Little-endian.
 *
 *     u32 messages
 *     each: u32 seq - first seq, u32 length of attributes or 0xffffffff for none, u32 length of body, f64 time
 *     each: id (36 bytes), attributes, body
 */
import { Buffer } from 'node:buffer';
import type { PackedPublication } from './batch-codec.ts';
import type { MessageRow } from './statements.ts';

const COUNT_BYTES = 4;
const HEAD_BYTES = 20;
const ID_BYTES = 36;
const ABSENT = 0xffffffff;

/** What a message takes in a block. */
export function sizeInBlock({ attributesLength, bodyLength }: PackedPublication): number {
  return HEAD_BYTES + ID_BYTES + Math.max(attributesLength, 0) + bodyLength;
}

/** `publications` have one placement each, their seqs rise. */
export function encodeBlock(publications: readonly PackedPublication[]): Buffer<ArrayBuffer> {
  let size = COUNT_BYTES;
  for (const publication of publications) size += sizeInBlock(publication);
  const data = Buffer.allocUnsafeSlow(size);
  const heads = new DataView(data.buffer);
  heads.setUint32(0, publications.length, true);
  const first = publications[0]?.seq ?? 0;
  let headAt = COUNT_BYTES;
  let at = COUNT_BYTES + publications.length * HEAD_BYTES;
  for (const publication of publications) {
    heads.setUint32(headAt, publication.seq - first, true);
    heads.setUint32(headAt + 4, publication.attributesLength < 0 ? ABSENT : publication.attributesLength, true);
    heads.setUint32(headAt + 8, publication.bodyLength, true);
    heads.setFloat64(headAt + 12, publication.time, true);
    headAt += HEAD_BYTES;
    at = publication.copyTo(data, at);
  }
  return data;
}

/** Its messages, those whose seqs `wanted` takes, as views of the data. Throws a `RangeError` where the data can't be a block's. */
export function* decodeBlock(first: number, data: Buffer, wanted: (seq: number) => boolean): Generator<MessageRow> {
  const heads = new DataView(data.buffer, data.byteOffset, data.length);
  const count = heads.getUint32(0, true);
  let at = COUNT_BYTES + count * HEAD_BYTES;
  for (let i = 0; i < count; i++) {
    const headAt = COUNT_BYTES + i * HEAD_BYTES;
    const seq = first + heads.getUint32(headAt, true);
    const attributesLength = heads.getUint32(headAt + 4, true);
    const attributesAt = at + ID_BYTES;
    const bodyAt = attributesAt + (attributesLength === ABSENT ? 0 : attributesLength);
    const end = bodyAt + heads.getUint32(headAt + 8, true);
    if (end > data.length) throw new RangeError(`the block of message ${first} ends within message ${seq}`);
    if (wanted(seq)) {
      const id = data.latin1Slice(at, attributesAt);
      const attributes = attributesLength === ABSENT ? null : data.subarray(attributesAt, bodyAt);
      yield [seq, 0, 0, id, heads.getFloat64(headAt + 12, true), attributes, 0, data.subarray(bodyAt, end)];
    }
    at = end;
  }
}
