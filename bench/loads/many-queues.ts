/** Many queues at once, each with a publisher and a consumer of its own. */
import { bodiesFrom, type BodySource } from '../lib/bodies.ts';
import type { Load } from '../lib/load.ts';
import { each } from './connect-many.ts';
import { openQueueLine, type QueueLine, type QueueLineOptions } from './queue-line.ts';

/** `messages` and `window` are those of each queue. */
export interface ManyQueuesLoad extends QueueLineOptions {
  readonly queues: readonly string[];
  readonly bodies: BodySource;
}

const PENDING_MAX = 50;

/** Messages a second over all queues, from the first publish until the server has taken the last ack of the last of them. */
export const manyQueues: Load<ManyQueuesLoad> = async (protocol, params, marks) => {
  const bodies = bodiesFrom(params.bodies);
  const lines: QueueLine[] = [];
  await each(params.queues, PENDING_MAX, async (queue) => {
    lines.push(await openQueueLine(protocol, queue, params, bodies));
  });

  await marks.begin();
  const start = performance.now();
  const streams = await Promise.all(lines.map((line) => line.flow()));
  const seconds = (performance.now() - start) / 1000;
  for (const line of lines) line.close();
  const messages = streams.reduce((sum, { sent }) => sum + sent, 0);
  return { value: messages / seconds, messages };
};
