/**
 * A batch of changes in two planes, from the broker's thread to the writer's. The kinds that come by the hundred thousand are
 * packed by hand; the others go as one JSON text each.
 *
 * A hot path: sizes are worked out exactly in one pass, then all is written in another. What the writer reads is shaped for
 * binding to statements (bodies as views of the plane), not for looking like a `Change` again.
 */
import { Buffer } from 'node:buffer';
import type { Change, Publication } from '../store.ts';
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

/** A publication as it lies in the plane of bytes; views and texts are made where they are asked for. */
export class PackedPublication {
  readonly time: number;
  readonly due: number;
  readonly bodyLength: number;
  /** Below 0 without attributes. */
  readonly attributesLength: number;
  /** Queue, seq, queue, seq … */
  readonly placements: readonly number[];
  readonly guard: PackedGuard | undefined;
  readonly #plane: Buffer;
  readonly #idAt: number;
  readonly #attributesAt: number;
  readonly #bodyAt: number;

  constructor(input: PlaneReader) {
    this.time = input.number();
    this.due = input.number();
    this.bodyLength = input.number();
    this.attributesLength = input.number();
    const namespaceLength = input.number();
    this.placements = unpackPlacements(input);
    this.#plane = input.plane;
    this.#idAt = input.skip(ID_BYTES);
    if (namespaceLength === ABSENT) {
      this.#attributesAt = input.skip(Math.max(this.attributesLength, 0));
      this.#bodyAt = input.skip(this.bodyLength);
      this.guard = undefined;
    } else {
      const since = input.number();
      const headLength = input.number();
      const keyEnd = input.skip(namespaceLength) + namespaceLength;
      this.#attributesAt = input.skip(Math.max(this.attributesLength, 0));
      const content = input.bytes(headLength + this.bodyLength);
      this.#bodyAt = input.skip(0) - this.bodyLength;
      this.guard = { key: this.#plane.subarray(this.#idAt, keyEnd), since, content };
    }
  }

  get id(): string {
    return this.#plane.latin1Slice(this.#idAt, this.#idAt + ID_BYTES);
  }

  get attributes(): Buffer | null {
    return this.attributesLength < 0
      ? null
      : this.#plane.subarray(this.#attributesAt, this.#attributesAt + this.attributesLength);
  }

  get body(): Buffer {
    return this.#plane.subarray(this.#bodyAt, this.#bodyAt + this.bodyLength);
  }

  /** Of the first placement. */
  get seq(): number {
    return this.placements[1] ?? 0;
  }

  /** Writes id, attributes and body one after the other and returns where they end. */
  copyTo(target: Buffer, at: number): number {
    const plane = this.#plane;
    const bodyEnd = this.#bodyAt + this.bodyLength;
    if (this.guard === undefined) return at + plane.copy(target, at, this.#idAt, bodyEnd);
    let end = at + plane.copy(target, at, this.#idAt, this.#idAt + ID_BYTES);
    if (this.attributesLength > 0) {
      end += plane.copy(target, end, this.#attributesAt, this.#attributesAt + this.attributesLength);
    }
    return end + plane.copy(target, end, this.#bodyAt, bodyEnd);
  }
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
  for (let i = 0; i < count; i++) publications.push(new PackedPublication(input));
  return publications;
}

function unpackPlacements(input: PlaneReader): number[] {
  const count = 2 * input.number();
  const placements: number[] = [];
  for (let i = 0; i < count; i++) placements.push(input.number());
  return placements;
}
