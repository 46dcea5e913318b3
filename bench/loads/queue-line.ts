/**
 * One queue with a publisher that keeps a window of unconfirmed messages and a consumer on another connection that acknowledges
 * each message by itself.
 */
import type { Connection, Protocol } from '../lib/protocol.ts';
import { Stream, type StreamLimits } from '../lib/stream.ts';

export interface QueueLineOptions extends StreamLimits {
  readonly port: number;
  readonly window: number;
  readonly prefetch: number;
}

export interface QueueLine {
  /** Publishes, and resolves with what was sent when the server has taken the last ack. */
  flow(): Promise<Stream>;
  close(): void;
}

/** Resolves when the queue is there, with its consumer. */
export async function openQueueLine(
  protocol: Protocol,
  queue: string,
  options: QueueLineOptions,
  bodies: readonly string[],
): Promise<QueueLine> {
  const { port, window, prefetch } = options;
  await protocol.declareQueue(port, queue);
  const lastTaken = Promise.withResolvers<void>();
  const stream = new Stream(options, bodies);
  let confirmed = 0;
  let acked = 0;
  const fill = (): void => {
    stream.send(window - (stream.sent - confirmed), (body) => publisher.publish(queue, body));
  };
  const publisher: Connection = await protocol.connect({
    port,
    events: {
      confirmed(count) {
        confirmed += count;
      },
      turnEnded: fill,
    },
  });
  const consumer: Connection = await protocol.connect({
    port,
    events: { delivered: (delivery) => consumer.ack(delivery, ++acked === stream.messages ? lastTaken.resolve : undefined) },
  });
  await consumer.subscribe(queue, prefetch);
  return {
    async flow() {
      stream.begin();
      fill();
      publisher.flush();
      await lastTaken.promise;
      return stream;
    },
    close() {
      publisher.close();
      consumer.close();
    },
  };
}
