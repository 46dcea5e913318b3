/**
 * A batch of changes in two planes, from the broker's thread to the writer's. The kinds that come by the hundred thousand are
 * packed by hand; the others go as one JSON text each.
 *
 * A hot path: sizes are worked out exactly in one pass, then all is written in another. What the writer reads is shaped for
 * binding to statements (bodies as views of the plane), not for looking like a `Change` again.
 */
import { Buffer } from 'node:buffer';
import type { ByteString, Change, Publication } from '../store.ts';
import { attributesText } from './attributes-text.ts';
import { PlaneReader, type Planes, PlaneWriter } from './planes.ts';

const PUBLISH = 1;
const SETTLE = 2;
const RETURN = 3;
const REACH = 4;
const RARE = 5;

const ID_BYTES = 36;
/** Stands for the length of what is absent. */
const ABSENT = -1;

export type RareChange = Exclude<Change, { readonly kind: 'publish' | 'settle' | 'return' | 'reach' }>;

export interface PackedGuard {
  /** The id's bytes, then the namespace's. */
  readonly key: Buffer;
  readonly since: number;
  /** All that makes two publications of an id the same: destination, kind of body, headers, body. */
  readonly content: Buffer;
}

export interface PackedPublication {
  readonly id: string;
  readonly time: number;
  readonly due: number;
  readonly attributes: Buffer | null;
  readonly body: Buffer;
  readonly guard: PackedGuard | undefined;
  /** Queue, seq, queue, seq … */
  readonly placements: readonly number[];
}

/** Gets a batch's changes in their order. */
export interface BatchVisitor {
  /** `index` is the change's place in the batch. */
  publish(publications: readonly PackedPublication[], index: number): void;
  settle(queue: number, seq: number, sharedBody: number): void;
  return(queue: number, seq: number, attempts: number, due: number): void;
  reach(queue: number, seq: number): void;
  rare(change: RareChange): void;
}

export function packBatch(changes: readonly Change[]): Planes {
  const sizer = new BatchSizer();
  for (const change of changes) sizer.add(change);
  const out = new PlaneWriter(sizer.numbers + 1, sizer.bytes);
  const packer = new BatchPacker(out, sizer.texts);
  out.number(changes.length);
  for (const change of changes) packer.add(change);
  return out.finish();
}

/** Counts what `BatchPacker` will write, and keeps the texts that it had to make for that. */
class BatchSizer {
  numbers = 0;
  bytes = 0;
  readonly texts: string[] = [];

  add(change: Change): void {
    switch (change.kind) {
      case 'publish':
        this.numbers += 2;
        for (const publication of change.publications) this.#publication(publication);
        return;
      case 'settle':
        this.numbers += 3 + 2 * change.messages.length;
        return;
      case 'return':
        this.numbers += 5;
        return;
      case 'reach':
        this.numbers += 3;
        return;
      default: {
        const text = JSON.stringify(change);
        this.texts.push(text);
        this.numbers += 2;
        this.bytes += Buffer.byteLength(text);
      }
    }
  }

  #publication({ message, placements, guard }: Publication): void {
    this.numbers += 6 + 2 * placements.length;
    this.bytes += ID_BYTES + message.body.length;
    if (message.attributes !== undefined) {
      const text = attributesText(message.attributes);
      this.texts.push(text);
      this.bytes += text.length;
    }
    if (guard === undefined) return;
    this.numbers += 2;
    const head = contentHead(message, guard.destination);
    this.texts.push(head);
    this.bytes += Buffer.byteLength(guard.namespace) + Buffer.byteLength(head) + (message.attributes?.headers?.length ?? 0);
  }
}

class BatchPacker {
  readonly #out: PlaneWriter;
  readonly #texts: readonly string[];
  #nextText = 0;

  constructor(out: PlaneWriter, texts: readonly string[]) {
    this.#out = out;
    this.#texts = texts;
  }

  add(change: Change): void {
    const out = this.#out;
    switch (change.kind) {
      case 'publish':
        out.number(PUBLISH);
        out.number(change.publications.length);
        for (const publication of change.publications) this.#publication(publication);
        return;
      case 'settle':
        out.number(SETTLE);
        out.number(change.queue);
        out.number(change.messages.length);
        for (const { seq, sharedBody } of change.messages) {
          out.number(seq);
          out.number(sharedBody);
        }
        return;
      case 'return':
        out.number(RETURN);
        out.number(change.queue);
        out.number(change.seq);
        out.number(change.attempts);
        out.number(change.due);
        return;
      case 'reach':
        out.number(REACH);
        out.number(change.queue);
        out.number(change.seq);
        return;
      default: {
        const text = this.#text();
        const length = Buffer.byteLength(text);
        out.number(RARE);
        out.number(length);
        out.text(text, length);
      }
    }
  }

  /** The body comes last, so that with a guard the content to be compared lies in one piece, body included. */
  #publication({ message, placements, due, guard }: Publication): void {
    const out = this.#out;
    const attributes = message.attributes === undefined ? undefined : this.#text();
    const namespaceLength = guard === undefined ? ABSENT : Buffer.byteLength(guard.namespace);
    out.number(message.time);
    out.number(due);
    out.number(message.body.length);
    out.number(attributes === undefined ? ABSENT : attributes.length);
    out.number(namespaceLength);
    out.number(placements.length);
    for (const { queue, seq } of placements) {
      out.number(queue);
      out.number(seq);
    }
    out.byteString(message.id);
    if (guard === undefined) {
      if (attributes !== undefined) out.byteString(attributes);
    } else {
      const headers = message.attributes?.headers ?? '';
      const head = this.#text();
      const headLength = Buffer.byteLength(head);
      out.number(guard.since);
      out.number(headLength + headers.length);
      out.text(guard.namespace, namespaceLength);
      if (attributes !== undefined) out.byteString(attributes);
      out.text(head, headLength);
      out.byteString(headers);
    }
    out.byteString(message.body);
  }

  #text(): string {
    const text = this.#texts[this.#nextText++];
    if (text === undefined) throw new RangeError('a text was not made in advance');
    return text;
  }
}

/** Begins with the lengths, so that no other split of the same bytes into destination, headers and body reads the same. */
function contentHead(message: Publication['message'], destination: string): string {
  const attributes = message.attributes;
  return `${destination.length} ${attributes?.headers?.length ?? ABSENT} ${attributes?.binary ?? false} ${destination}`;
}

export function unpackBatch(planes: Planes, visitor: BatchVisitor): void {
  const input = new PlaneReader(planes);
  const changes = input.number();
  for (let index = 0; index < changes; index++) unpackChange(input, visitor, index);
}

function unpackChange(input: PlaneReader, visitor: BatchVisitor, index: number): void {
  const kind = input.number();
  switch (kind) {
    case PUBLISH:
      visitor.publish(unpackPublications(input), index);
      return;
    case SETTLE: {
      const queue = input.number();
      const count = input.number();
      for (let i = 0; i < count; i++) visitor.settle(queue, input.number(), input.number());
      return;
    }
    case RETURN:
      visitor.return(input.number(), input.number(), input.number(), input.number());
      return;
    case REACH:
      visitor.reach(input.number(), input.number());
      return;
    case RARE:
      visitor.rare(JSON.parse(input.text(input.number())) as RareChange);
      return;
    default:
      throw new RangeError(`no kind of change has the number ${kind}`);
  }
}

function unpackPublications(input: PlaneReader): PackedPublication[] {
  const count = input.number();
  const publications: PackedPublication[] = [];
  for (let i = 0; i < count; i++) publications.push(unpackPublication(input));
  return publications;
}

function unpackPublication(input: PlaneReader): PackedPublication {
  const time = input.number();
  const due = input.number();
  const bodyLength = input.number();
  const attributesLength = input.number();
  const namespaceLength = input.number();
  const placementCount = input.number();
  const placements: number[] = [];
  for (let i = 0; i < 2 * placementCount; i++) placements.push(input.number());
  if (namespaceLength === ABSENT) {
    const id = input.byteString(ID_BYTES);
    const attributes = unpackAttributes(input, attributesLength);
    return { id, time, due, attributes, body: input.bytes(bodyLength), guard: undefined, placements };
  }
  const since = input.number();
  const headLength = input.number();
  const key = input.bytes(ID_BYTES + namespaceLength);
  const attributes = unpackAttributes(input, attributesLength);
  const content = input.bytes(headLength + bodyLength);
  const id: ByteString = key.latin1Slice(0, ID_BYTES);
  return { id, time, due, attributes, body: content.subarray(headLength), guard: { key, since, content }, placements };
}

function unpackAttributes(input: PlaneReader, length: number): Buffer | null {
  return length === ABSENT ? null : input.bytes(length);
}
