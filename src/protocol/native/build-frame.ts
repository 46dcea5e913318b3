/** Builds a frame from the members of its object: one function a type. `publish` has a file of its own, message-builder.ts. */
import type { ClientFrame, ClientFrameType, DeclareFrame, ExtendFrame, HelloFrame, SubscribeFrame } from './frame.ts';
import { FrameError } from './frame.ts';
import { OPEN_BRACKET } from './json-scanner.ts';
import { DURATION_MS_MAX, type FrameLimits } from './limits.ts';
import { type FieldSet, field, fieldSet, type Members } from './members.ts';
import { isName, NAME_FORM } from './names.ts';
import {
  readDuration,
  readFilter,
  readIds,
  readOptionalDuration,
  readOptionalQueue,
  readQueue,
  readTarget,
} from './read-fields.ts';

/** The types that are built here. */
type PlainFrame = Exclude<ClientFrame, { readonly type: 'publish' }>;
export type PlainFrameType = Exclude<ClientFrameType, 'publish'>;

type Ref = string | undefined;

export const PLAIN_FIELDS: { readonly [Type in PlainFrameType]: FieldSet } = {
  hello: fieldSet('type', 'ref', 'client', 'token', 'grace', 'arrays'),
  subscribe: fieldSet('type', 'ref', 'queue', 'topic', 'prefetch', 'autoAck'),
  unsubscribe: fieldSet('type', 'ref', 'queue', 'topic'),
  ack: fieldSet('type', 'ref', 'id', 'ids', 'queue'),
  nack: fieldSet('type', 'ref', 'id', 'ids', 'queue', 'delay'),
  extend: fieldSet('type', 'ref', 'id', 'ids', 'queue', 'ms'),
  declare: fieldSet('type', 'ref', 'queue', 'lease', 'backoff'),
  bind: fieldSet('type', 'ref', 'queue', 'topic'),
  unbind: fieldSet('type', 'ref', 'queue', 'topic'),
  ping: fieldSet('type', 'ref'),
};

const LEASE_MS_MIN = 1000;
const BACKOFF_STEPS_MAX = 16;
const PREFETCH_DEFAULT = 100;

export function buildPlain(type: PlainFrameType, ref: Ref, members: Members, limits: FrameLimits): PlainFrame {
  switch (type) {
    case 'ack':
      return { type, ref, ids: readIds(members, limits.batchMax), queue: readOptionalQueue(members) };
    case 'nack':
      return {
        type,
        ref,
        ids: readIds(members, limits.batchMax),
        queue: readOptionalQueue(members),
        delayMs: readOptionalDuration(members, field.delay),
      };
    case 'extend':
      return buildExtend(ref, members, limits);
    case 'subscribe':
      return buildSubscribe(ref, members, limits);
    case 'unsubscribe':
      return { type, ref, ...readTarget(members) };
    case 'hello':
      return buildHello(ref, members);
    case 'declare':
      return buildDeclare(ref, members);
    case 'bind':
    case 'unbind':
      return { type, ref, queue: readQueue(members), topic: readFilter(members) };
    case 'ping':
      return { type, ref };
    default:
      return type satisfies never;
  }
}

function buildHello(ref: Ref, members: Members): HelloFrame {
  return {
    type: 'hello',
    ref,
    client: members.has(field.client) ? members.name(field.client, isName, NAME_FORM) : undefined,
    token: members.has(field.token) ? members.string(field.token, 'a string') : undefined,
    graceMs: readOptionalDuration(members, field.grace) ?? 0,
    arrays: members.has(field.arrays) && members.boolean(field.arrays),
  };
}

function buildSubscribe(ref: Ref, members: Members, { prefetchMax }: FrameLimits): SubscribeFrame {
  return {
    type: 'subscribe',
    ref,
    ...readTarget(members),
    prefetch: members.has(field.prefetch)
      ? members.integer(field.prefetch, 1, prefetchMax, '')
      : Math.min(PREFETCH_DEFAULT, prefetchMax),
    autoAck: members.has(field.autoAck) && members.boolean(field.autoAck),
  };
}

function buildExtend(ref: Ref, members: Members, { batchMax }: FrameLimits): ExtendFrame {
  if (!members.has(field.ms)) throw new FrameError('bad_field', 'ms is missing; it must be a whole number of milliseconds');
  const ms = readDuration(members, field.ms, 1);
  return { type: 'extend', ref, ids: readIds(members, batchMax), queue: readOptionalQueue(members), ms };
}

function buildDeclare(ref: Ref, members: Members): DeclareFrame {
  return {
    type: 'declare',
    ref,
    queue: readQueue(members),
    leaseMs: members.has(field.lease) ? readDuration(members, field.lease, LEASE_MS_MIN) : undefined,
    backoffMs: members.has(field.backoff) ? readBackoff(members) : undefined,
  };
}

function readBackoff(members: Members): readonly number[] {
  const form = `an array of at most ${BACKOFF_STEPS_MAX} whole numbers of milliseconds from 0 to ${DURATION_MS_MAX}`;
  if (members.firstByte(field.backoff) !== OPEN_BRACKET) throw members.wrong(field.backoff, form);
  const steps = JSON.parse(members.raw(field.backoff)) as unknown[];
  const isStep = (step: unknown): step is number =>
    Number.isInteger(step) && Number(step) >= 0 && Number(step) <= DURATION_MS_MAX;
  if (steps.length > BACKOFF_STEPS_MAX || !steps.every(isStep)) throw members.wrong(field.backoff, form);
  return steps;
}
