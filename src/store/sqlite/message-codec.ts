/**
 * Messages that were read, in two planes, from the writer's thread back to the broker's.
 */
import type { QueuedMessage } from '../store.ts';
import { attributesOf } from './attributes-text.ts';
import { type PlaneReader, type Planes, PlaneWriter } from './planes.ts';
import type { MessageRow } from './statements.ts';

const NUMBERS_PER_MESSAGE = 7;
const ID_BYTES = 36;
const ABSENT = -1;

export function bytesOf(row: MessageRow): number {
  const [, , , , , attributes, , body] = row;
  return ID_BYTES + (attributes?.length ?? 0) + body.length;
}

export function packMessages(rows: readonly MessageRow[]): Planes {
  let bytes = 0;
  for (const row of rows) bytes += bytesOf(row);
  const out = new PlaneWriter(rows.length * NUMBERS_PER_MESSAGE, bytes);
  for (const [seq, attempts, due, id, time, attributes, sharedBody, body] of rows) {
    out.number(seq);
    out.number(attempts);
    out.number(due);
    out.number(sharedBody);
    out.number(time);
    out.number(attributes === null ? ABSENT : attributes.length);
    out.number(body.length);
    out.byteString(id);
    if (attributes !== null) out.bytes(attributes);
    out.bytes(body);
  }
  return out.finish();
}

export function unpackMessages(input: PlaneReader, count: number): QueuedMessage[] {
  const messages: QueuedMessage[] = [];
  for (let i = 0; i < count; i++) messages.push(unpackMessage(input));
  return messages;
}

function unpackMessage(input: PlaneReader): QueuedMessage {
  const seq = input.number();
  const attempts = input.number();
  const due = input.number();
  const sharedBody = input.number();
  const time = input.number();
  const attributesLength = input.number();
  const bodyLength = input.number();
  const id = input.byteString(ID_BYTES);
  const attributes = attributesLength === ABSENT ? undefined : attributesOf(input.byteString(attributesLength));
  return { seq, attempts, due, sharedBody, message: { id, time, body: input.byteString(bodyLength), attributes } };
}
