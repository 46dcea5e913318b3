/**
 * The checksums (CRC-32) by which a message that rotted on the disk is told from the one that was published. Each covers the place as
 * well as the content, so that a row or a body that turns up in another's place is found too. See docs/decisions/0015.
 *
 * Whatever was read is handed in as it came: damage may have made anything of it. Must never throw for what it is given.
 */
import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';

const ID_BYTES = 36;
/** What comes before the id: queue, seq and time (f64), the lengths of attributes and body (i32). */
const HEAD_BYTES = 32;
const ABSENT = -1;
/** Attempts and due time must not make up for each other. */
const ATTEMPT_WEIGHT = 65_537;

/** Used again for every checksum. */
const head = Buffer.alloc(HEAD_BYTES + ID_BYTES);
const headView = new DataView(head.buffer, head.byteOffset, head.length);
const place = Buffer.alloc(24);
const placeView = new DataView(place.buffer, place.byteOffset, place.length);

function numbersChecksum(a: number, b: number, c: number, before = 0): number {
  placeView.setFloat64(0, a, true);
  placeView.setFloat64(8, b, true);
  placeView.setFloat64(16, c, true);
  return crc32(place, before);
}

/** Where a block lies. What it is made of, and what is left of it, go on from here. */
export function blockPlaceChecksum(first: number, last: number, queue: number): number {
  return numbersChecksum(first, last, queue);
}

/** Of a block's data or of the set of messages that are left in it. */
export function blockChecksum(placeChecksum: number, part: Buffer): number {
  return crc32(part, placeChecksum);
}

/** Of a body that several queues share. */
export function bodyChecksum(id: number, data: Buffer): number {
  return crc32(data, numbersChecksum(id, data.length, 0));
}

/** Of what never changes in a row; `body` is the id of a shared one, or the bytes themselves. */
export function messageChecksum(
  queue: number,
  seq: number,
  time: number,
  id: string,
  attributes: Buffer | null,
  body: Buffer | number,
): number {
  const isShared = typeof body === 'number';
  headView.setFloat64(0, queue, true);
  headView.setFloat64(8, seq, true);
  headView.setFloat64(16, time, true);
  headView.setInt32(24, attributes === null ? ABSENT : attributes.length, true);
  headView.setInt32(28, isShared ? ABSENT : body.length, true);
  head.latin1Write(id, HEAD_BYTES, ID_BYTES);
  let checksum = crc32(head);
  if (attributes !== null) checksum = crc32(attributes, checksum);
  return isShared ? numbersChecksum(body, 0, 0, checksum) : crc32(body, checksum);
}

/**
 * What a row's checksum has on top for what changes in it: added, so that an UPDATE exchanges it without knowing the rest, and
 * damage that was there before it stays visible.
 */
export function stateChecksum(attempts: number, due: number): number {
  return attempts * ATTEMPT_WEIGHT + due;
}

/** The same of the row as it is, in SQL. */
export const STATE_CHECKSUM_SQL = `(attempts * ${ATTEMPT_WEIGHT} + due)`;

/** Of what makes up a queue, its counts and its reach aside. */
export function queueChecksum(id: number, namespace: string, name: string, settings: string, transient: number): number {
  return crc32(JSON.stringify([id, namespace, name, settings, transient]));
}

/** Whether a stored row of these columns is what was stored. */
export function isSoundMessage(
  queue: unknown,
  seq: number,
  time: unknown,
  id: unknown,
  attributes: unknown,
  body: unknown,
  attempts: unknown,
  due: unknown,
  checksum: unknown,
): boolean {
  if (typeof queue !== 'number' || typeof time !== 'number' || typeof attempts !== 'number' || typeof due !== 'number')
    return false;
  if (typeof id !== 'string' || id.length !== ID_BYTES) return false;
  if (attributes !== null && !Buffer.isBuffer(attributes)) return false;
  if (typeof body !== 'number' && !Buffer.isBuffer(body)) return false;
  return isSound(messageChecksum(queue, seq, time, id, attributes, body) + stateChecksum(attempts, due), checksum);
}

export function isSoundBody(id: number, data: unknown, checksum: unknown): boolean {
  return Buffer.isBuffer(data) && isSound(bodyChecksum(id, data), checksum);
}

/** `part` is its data or what is left of it. */
export function isSoundBlock(first: number, last: unknown, queue: unknown, part: unknown, checksum: unknown): boolean {
  if (typeof last !== 'number' || typeof queue !== 'number' || !Buffer.isBuffer(part)) return false;
  return isSound(blockChecksum(blockPlaceChecksum(first, last, queue), part), checksum);
}

export function isSoundQueue(
  id: number,
  namespace: string,
  name: string,
  settings: string,
  transient: number,
  checksum: unknown,
): boolean {
  return isSound(queueChecksum(id, namespace, name, settings, transient), checksum);
}

function isSound(actual: number, stored: unknown): boolean {
  return actual === stored;
}
