/** Publishes to one queue that nobody consumes, with a window of unconfirmed messages. */
import { bodiesFrom, type BodySource } from '../lib/bodies.ts';
import type { Load } from '../lib/load.ts';
import type { Connection } from '../lib/protocol.ts';
import { Stream, type StreamLimits } from '../lib/stream.ts';

export interface PublishLoad extends StreamLimits {
  readonly port: number;
  readonly queue: string;
  readonly window: number;
  readonly bodies: BodySource;
}

/** Said when a fifth of the messages is confirmed, or a fifth of the time is over. */
export const A_FIFTH = 'a fifth';

/** Messages a second, from the first publish to the last confirm. */
export const publish: Load<PublishLoad> = async (protocol, params, marks) => {
  const { port, queue, window } = params;
  await protocol.declareQueue(port, queue);
  const done = Promise.withResolvers<void>();
  const stream = new Stream(params, bodiesFrom(params.bodies));
  let confirmed = 0;
  let fifthIsOver = false;
  const fill = (): void => {
    stream.send(window - (stream.sent - confirmed), (body) => publisher.publish(queue, body));
    if (fifthIsOver || stream.share(confirmed) < 0.2) return;
    fifthIsOver = true;
    void marks.reached(A_FIFTH);
  };
  const publisher: Connection = await protocol.connect({
    port,
    events: {
      confirmed(count) {
        confirmed += count;
        if (confirmed === stream.messages) done.resolve();
      },
      turnEnded: fill,
    },
  });

  await marks.begin();
  const start = performance.now();
  stream.begin();
  fill();
  publisher.flush();
  await done.promise;
  const seconds = (performance.now() - start) / 1000;
  publisher.close();
  return { value: stream.sent / seconds, messages: stream.sent };
};
