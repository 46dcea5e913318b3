/** Takes messages that wait in a queue, acknowledges each by itself, and leaves the rest. */
import type { Load } from '../lib/load.ts';

export interface Drain {
  readonly port: number;
  readonly queue: string;
  /** Not more than wait there. */
  readonly messages: number;
  readonly prefetch: number;
}

/** Messages per second, from the connection until the last ack is taken. */
export const drain: Load<Drain> = async (protocol, params) => {
  const { port, queue, messages, prefetch } = params;
  const done = Promise.withResolvers<void>();
  let received = 0;
  const start = performance.now();
  const consumer = await protocol.connect({
    port,
    events: {
      delivered(delivery) {
        received++;
        if (received <= messages) consumer.ack(delivery, received === messages ? done.resolve : undefined);
      },
    },
  });
  await consumer.subscribe(queue, prefetch);
  await done.promise;
  const seconds = (performance.now() - start) / 1000;
  consumer.close();
  return { value: messages / seconds, messages };
};
