/** Short ways to write down changes. */
import { Buffer } from 'node:buffer';
import type {
  ByteString,
  Change,
  DuplicateGuard,
  MessageAttributes,
  Placement,
  Publication,
  QueueRecord,
  ReadLimits,
  Store,
} from '../../src/store/store.ts';

export const NO_LIMITS: ReadLimits = { messagesMax: 1000, bytesMax: 1_000_000 };
export const FROM_START = { kind: 'after', seq: 0 } as const;

export const bytes = (text: string): ByteString => Buffer.from(text).toString('latin1');

export const idOf = (n: number): string => `0194a1b0-6a5e-7c3e-9d5e-${n.toString(16).padStart(12, '0')}`;

export function queueRecord(id: number, fields: Partial<QueueRecord> = {}): QueueRecord {
  return {
    id,
    namespace: 'default',
    name: `queue-${id}`,
    settings: { leaseMs: 30_000, backoffMs: [] },
    transient: false,
    ledger: { accepted: 0, acknowledged: 0 },
    reach: 0,
    ...fields,
  };
}

export const create = (id: number, fields: Partial<QueueRecord> = {}): Change => ({
  kind: 'create',
  queue: queueRecord(id, fields),
});

interface PublicationFields {
  readonly id?: string;
  readonly time?: number;
  readonly body?: ByteString;
  readonly attributes?: MessageAttributes;
  readonly due?: number;
  readonly guard?: DuplicateGuard;
}

/** The id comes from the first seq, unless it is given. */
export function publication(
  placements: readonly (readonly [queue: number, seq: number])[],
  fields: PublicationFields = {},
): Publication {
  const { id = idOf(placements[0]?.[1] ?? 0), time = 1_700_000_000_000, body = '"hello"', attributes, due = 0, guard } = fields;
  const placed = placements.map(([queue, seq]): Placement => ({ queue, seq }));
  return { message: { id, time, body, attributes }, placements: placed, due, ...(guard && { guard }) };
}

export const publish = (...publications: Publication[]): Change => ({ kind: 'publish', publications });

/** One message a change, all to one queue. */
export const publishSeqs = (queue: number, seqs: readonly number[]): Change[] =>
  seqs.map((seq) => publish(publication([[queue, seq]])));

export const settle = (queue: number, seqs: readonly number[], sharedBody = 0): Change => ({
  kind: 'settle',
  queue,
  messages: seqs.map((seq) => ({ seq, sharedBody })),
});

export const guardOf = (fields: Partial<DuplicateGuard> = {}): DuplicateGuard => ({
  namespace: 'default',
  destination: 'queue queue-1',
  since: 1_699_999_000_000,
  ...fields,
});

export async function seqsOf(store: Store, queue: number): Promise<number[]> {
  const { messages } = await store.read(queue, FROM_START, NO_LIMITS);
  return messages.map(({ seq }) => seq);
}

export async function bodiesOf(store: Store, queue: number): Promise<ByteString[]> {
  const { messages } = await store.read(queue, FROM_START, NO_LIMITS);
  return messages.map(({ message }) => message.body);
}
