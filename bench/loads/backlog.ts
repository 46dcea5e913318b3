/**
 * Messages that nobody takes: published to one queue or to many, each publisher to queues of its own, one queue after the other.
 * Several publishers, because the first message to a queue waits until that queue is made.
 */
import { bodiesFrom, type BodySource } from '../lib/bodies.ts';
import type { Load } from '../lib/load.ts';
import type { Protocol } from '../lib/protocol.ts';
import { Stream } from '../lib/stream.ts';

export interface Backlog {
  readonly port: number;
  /** One queue has this name; of several each has a number after it. */
  readonly queue: string;
  readonly queues: number;
  readonly messagesPerQueue: number;
  /** At most `queues` of them publish. */
  readonly publishers: number;
  /** Unconfirmed messages of all publishers together. */
  readonly window: number;
  readonly bodies: BodySource;
}

const PROGRESS_MS = 10_000;

/** Confirmed messages per second. */
export const backlog: Load<Backlog> = async (protocol, params) => {
  const { queues, messagesPerQueue } = params;
  const publishers = Math.min(params.publishers, queues);
  const total = queues * messagesPerQueue;
  let confirmed = 0;
  const start = performance.now();
  const progress = setInterval(() => {
    const seconds = Math.round((performance.now() - start) / 1000);
    process.stderr.write(
      `  ${confirmed.toLocaleString('en-US')} of ${total.toLocaleString('en-US')} published after ${seconds} s\n`,
    );
  }, PROGRESS_MS);
  await Promise.all(
    Array.from({ length: publishers }, (_, i) => {
      const first = Math.floor((queues * i) / publishers);
      const end = Math.floor((queues * (i + 1)) / publishers);
      const window = Math.max(1, Math.floor(params.window / publishers));
      return publishAll({ ...params, first, end, window }, protocol, (count) => {
        confirmed += count;
      });
    }),
  );
  clearInterval(progress);
  return { value: (total * 1000) / (performance.now() - start), messages: total };
};

/** One publisher's queues: from `first` to before `end`. */
interface Share extends Backlog {
  readonly first: number;
  readonly end: number;
}

async function publishAll(share: Share, protocol: Protocol, counted: (count: number) => void): Promise<void> {
  const { port, queue, queues, messagesPerQueue, first, end, window } = share;
  const done = Promise.withResolvers<void>();
  const messages = (end - first) * messagesPerQueue;
  const stream = new Stream({ messages, secondsMax: Infinity }, bodiesFrom(share.bodies));
  let confirmed = 0;
  const publisher = await protocol.connect({
    port,
    events: {
      confirmed(count) {
        confirmed += count;
        counted(count);
        if (confirmed === messages) done.resolve();
      },
      turnEnded: () => fill(),
    },
  });
  const queueNow = (): string => (queues === 1 ? queue : queueName(queue, first + Math.floor(stream.sent / messagesPerQueue)));
  const fill = (): void => stream.send(window - (stream.sent - confirmed), (body) => publisher.publish(queueNow(), body));
  stream.begin();
  fill();
  publisher.flush();
  await done.promise;
  publisher.close();
}

/** The name of one of many queues. */
export function queueName(queue: string, index: number): string {
  return `${queue}-${index}`;
}
