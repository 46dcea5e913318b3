/** All through one queue. */
import { bodiesFrom, type BodySource } from '../lib/bodies.ts';
import type { Load } from '../lib/load.ts';
import { openQueueLine, type QueueLineOptions } from './queue-line.ts';

export interface QueueLoad extends QueueLineOptions {
  readonly queue: string;
  readonly bodies: BodySource;
}

/** As a detail: of the bodies. */
export const MEGABYTES_PER_SECOND = 'MB/s';

/** Messages a second, from the first publish until the server has taken the last ack. */
export const queue: Load<QueueLoad> = async (protocol, params, marks) => {
  const line = await openQueueLine(protocol, params.queue, params, bodiesFrom(params.bodies));
  await marks.begin();
  const start = performance.now();
  const { sent, bytes } = await line.flow();
  const seconds = (performance.now() - start) / 1000;
  line.close();
  return { value: sent / seconds, messages: sent, details: { [MEGABYTES_PER_SECOND]: bytes / 1e6 / seconds } };
};
