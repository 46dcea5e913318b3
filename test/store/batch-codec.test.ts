import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attributesOf, attributesText } from '../../src/store/sqlite/attributes-text.ts';
import { type BatchVisitor, type PackedPublication, packBatch, unpackBatch } from '../../src/store/sqlite/batch-codec.ts';
import { packMessages, unpackMessages } from '../../src/store/sqlite/message-codec.ts';
import { PlaneReader, PlaneWriter } from '../../src/store/sqlite/planes.ts';
import type { Change, MessageAttributes, Publication } from '../../src/store/store.ts';
import { guardOf, publication, publish } from './changes.ts';

const byteString = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const text = fc.string({ unit: 'binary', maxLength: 20 });
const seq = fc.maxSafeNat();
const attributes: fc.Arbitrary<MessageAttributes> = fc.record(
  { binary: fc.constant(true as const), topic: text, from: text, headers: byteString, replyTo: text, correlation: byteString },
  { requiredKeys: [], noNullPrototype: true },
);
const message = fc.record({ id: fc.uuid(), time: seq, body: byteString, attributes: fc.option(attributes, { nil: undefined }) });
const guard = fc.record({ namespace: text, destination: text, since: seq });
const publications: fc.Arbitrary<Publication> = fc
  .record({
    message,
    placements: fc.array(fc.record({ queue: seq, seq }), { maxLength: 4 }),
    due: seq,
    guard: fc.option(guard, { nil: undefined }),
  })
  .map(({ guard: given, ...rest }) => ({ ...rest, ...(given && { guard: given }) }));
const settings = fc.record({ leaseMs: seq, backoffMs: fc.array(seq) }, { noNullPrototype: true });

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant('publish' as const), publications: fc.array(publications, { maxLength: 4 }) }),
  fc.record({ kind: fc.constant('settle' as const), queue: seq, messages: fc.array(fc.record({ seq, sharedBody: seq })) }),
  fc.record({ kind: fc.constant('return' as const), queue: seq, seq, attempts: fc.nat(), due: seq }),
  fc.record({ kind: fc.constant('reach' as const), queue: seq, seq }),
  fc.record({ kind: fc.constant('configure' as const), queue: seq, settings }, { noNullPrototype: true }),
  fc.record({ kind: fc.constant('bind' as const), namespace: text, queue: seq, filter: text }, { noNullPrototype: true }),
  fc.record({ kind: fc.constant('reserve' as const), seq }, { noNullPrototype: true }),
);

/** Each change as a few plain lists, so that what was packed and what was unpacked can be compared. */
class Recorder implements BatchVisitor {
  readonly seen: unknown[] = [];
  publish(packed: readonly PackedPublication[], index: number): void {
    this.seen.push(['publish', index, ...packed.map(describePacked)]);
  }
  settle(...args: number[]): void {
    this.seen.push(['settle', ...args]);
  }
  return(...args: number[]): void {
    this.seen.push(['return', ...args]);
  }
  reach(...args: number[]): void {
    this.seen.push(['reach', ...args]);
  }
  rare(rare: Change): void {
    this.seen.push(rare);
  }
}

function describePacked({ id, time, due, body, attributes: packed, placements, guard: packedGuard }: PackedPublication): unknown {
  return {
    id,
    time,
    due,
    placements,
    body: body.toString('latin1'),
    attributes: packed === null ? undefined : attributesOf(packed.toString('latin1')),
    guard: packedGuard && { key: packedGuard.key.toString('utf8'), since: packedGuard.since },
  };
}

function describeGiven({ message: given, placements, due, guard: givenGuard }: Publication): unknown {
  return {
    ...given,
    due,
    placements: placements.flatMap((placement) => [placement.queue, placement.seq]),
    guard: givenGuard && {
      // Lone surrogates have no UTF-8.
      key: given.id + givenGuard.namespace.toWellFormed(),
      since: givenGuard.since,
    },
  };
}

function expectedOf(given: Change, index: number): unknown[] {
  switch (given.kind) {
    case 'publish':
      return [['publish', index, ...given.publications.map(describeGiven)]];
    case 'settle':
      return given.messages.map((settled) => ['settle', given.queue, settled.seq, settled.sharedBody]);
    case 'return':
      return [['return', given.queue, given.seq, given.attempts, given.due]];
    case 'reach':
      return [['reach', given.queue, given.seq]];
    default:
      return [given];
  }
}

function contentOf(given: Publication): string {
  let content = '';
  const visitor = new Recorder();
  visitor.publish = ([packed]) => {
    content = packed?.guard?.content.toString('latin1') ?? '';
  };
  unpackBatch(packBatch([publish(given)]), visitor);
  return content;
}

describe('the codec of batches', () => {
  it('gives every change back in order, whatever its bytes', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
        const recorder = new Recorder();
        unpackBatch(packBatch(changes), recorder);
        expect(recorder.seen).toEqual(changes.flatMap(expectedOf));
      }),
    );
  });

  it('makes the same content of two publications only when destination, kind, headers and body are the same', () => {
    const part = fc.stringMatching(/^[01 ]{0,3}$/);
    const parts = fc.record({ destination: part, binary: fc.boolean(), headers: fc.option(part), body: part });
    type Parts = typeof parts extends fc.Arbitrary<infer T> ? T : never;
    const contentFrom = ({ destination, binary, headers, body }: Parts) =>
      contentOf(
        publication([[1, 1]], {
          body,
          guard: guardOf({ destination }),
          attributes: { ...(binary && { binary }), ...(headers !== null && { headers }) },
        }),
      );
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        expect(contentFrom(one) === contentFrom(other)).toBe(JSON.stringify(one) === JSON.stringify(other));
      }),
      { numRuns: 1000 },
    );
  });

  it('refuses a batch that is cut short', () => {
    const { numbers, bytes } = packBatch([publish(publication([[1, 1]]))]);
    expect(() => unpackBatch({ numbers: numbers.slice(0, 16), bytes }, new Recorder())).toThrow(RangeError);
  });
});

describe('the codec of messages', () => {
  it('gives every message back, whatever its bytes', () => {
    const queued = fc.record({ seq, attempts: fc.nat(), due: seq, sharedBody: seq, message });
    fc.assert(
      fc.property(fc.array(queued), (messages) => {
        const planes = packMessages(
          messages.map(({ message: { id, time, body, attributes: given }, ...place }) => {
            const packed = given === undefined ? null : Buffer.from(attributesText(given), 'latin1');
            return [
              place.seq,
              place.attempts,
              place.due,
              id,
              time,
              packed,
              place.sharedBody,
              Buffer.from(body, 'latin1'),
            ] as const;
          }),
        );
        expect(unpackMessages(new PlaneReader(planes), messages.length)).toEqual(messages);
      }),
    );
  });
});

describe('the planes', () => {
  it('are not handed out when they were sized for something else', () => {
    const out = new PlaneWriter(2, 0);
    out.number(1);
    expect(() => out.finish()).toThrow(RangeError);
  });
});
