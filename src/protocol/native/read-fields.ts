/**
 * Readers of the fields that several kinds of frames share. Each takes the members of an object in which the field may be, and
 * fails with an error that names it.
 */
import { FrameError, type SubscriptionTarget } from './frame.ts';
import { DURATION_MS_MAX, TOPIC_CHARACTERS_MAX } from './limits.ts';
import { type Field, field, type Members } from './members.ts';
import { FILTER_FORM, isFilter, isQueueName, isTopic, isUuid, QUEUE_FORM, TOPIC_FORM, UUID_FORM } from './names.ts';

const isShortTopic = (text: string): boolean => text.length <= TOPIC_CHARACTERS_MAX && isTopic(text);
const isShortFilter = (text: string): boolean => text.length <= TOPIC_CHARACTERS_MAX && isFilter(text);

export function readQueue(members: Members): string {
  if (!members.has(field.queue)) throw new FrameError('bad_field', `queue is missing; it must be ${QUEUE_FORM}`);
  return members.name(field.queue, isQueueName, QUEUE_FORM);
}

export function readOptionalQueue(members: Members): string | undefined {
  return members.has(field.queue) ? members.name(field.queue, isQueueName, QUEUE_FORM) : undefined;
}

export function readReplyTo(members: Members): string | undefined {
  return members.has(field.replyTo) ? members.name(field.replyTo, isQueueName, QUEUE_FORM) : undefined;
}

export function readTopic(members: Members): string {
  return members.name(field.topic, isShortTopic, TOPIC_FORM);
}

export function readTopics(members: Members, max: number): readonly string[] {
  return members.strings(field.topics, max, 'topics-max', isShortTopic, TOPIC_FORM);
}

export function readFilter(members: Members): string {
  if (!members.has(field.topic)) throw new FrameError('bad_field', `topic is missing; it must be ${FILTER_FORM}`);
  return members.name(field.topic, isShortFilter, FILTER_FORM);
}

export function readTarget(members: Members): SubscriptionTarget {
  if (members.has(field.queue) && members.has(field.topic))
    throw new FrameError('bad_field', 'queue and topic exclude each other');
  return { queue: readOptionalQueue(members), topic: members.has(field.topic) ? readFilter(members) : undefined };
}

export function readUuid(members: Members): string {
  return members.text(field.id, isUuid, UUID_FORM).toLowerCase();
}

/** What `id` or `ids` names, each once. */
export function readIds(members: Members, max: number): readonly string[] {
  if (members.has(field.id) === members.has(field.ids)) throw new FrameError('bad_field', 'needs exactly one of id and ids');
  if (members.has(field.id)) return [readUuid(members)];
  const ids = members.strings(field.ids, max, 'batch-max', isUuid, UUID_FORM).map((id) => id.toLowerCase());
  if (new Set(ids).size !== ids.length) throw new FrameError('bad_field', 'ids names a message twice');
  return ids;
}

/** In ms. */
export function readDuration(members: Members, at: Field, min: number): number {
  return members.integer(at, min, DURATION_MS_MAX, ' of milliseconds');
}

export function readOptionalDuration(members: Members, at: Field): number | undefined {
  return members.has(at) ? readDuration(members, at, 0) : undefined;
}
