/** Publishes at a steady pace, however long the answers take, and says how long each message was under way to its consumer. */
import type { Load } from '../lib/load.ts';
import { pace } from '../lib/pace.ts';
import { percentileOf } from '../lib/statistics.ts';

export interface PacedLoad {
  readonly port: number;
  readonly queue: string;
  readonly perSecond: number;
  readonly messages: number;
  readonly prefetch: number;
  /** Of a body, which carries the time. At least 20. */
  readonly bytes: number;
}

/** As a detail: the median. */
export const P50 = 'p50 ms';

const TIME_LENGTH = 16;

/** The 99th percentile in ms, from the call that publishes a message to the call that delivers it. */
export const paced: Load<PacedLoad> = async (protocol, params, marks) => {
  const { port, queue, perSecond, messages } = params;
  await protocol.declareQueue(port, queue);
  const done = Promise.withResolvers<void>();
  const latenciesMs: number[] = [];
  const lagsMs: number[] = [];
  const publisher = await protocol.connect({ port, events: {} });
  const consumer = await protocol.connect({
    port,
    events: {
      delivered(delivery, body) {
        latenciesMs.push(performance.now() - Number(body.latin1Slice(1, 1 + TIME_LENGTH)));
        consumer.ack(delivery, latenciesMs.length === messages ? done.resolve : undefined);
      },
    },
  });
  await consumer.subscribe(queue, params.prefetch);

  const padding = 'x'.repeat(params.bytes - TIME_LENGTH - 2);
  await marks.begin();
  await pace({ perSecond, ticks: messages }, (due, startedAt) => {
    for (let i = lagsMs.length; i < due; i++) {
      const now = performance.now();
      lagsMs.push(now - startedAt - (i * 1000) / perSecond);
      publisher.publish(queue, `"${now.toFixed(6).padStart(TIME_LENGTH, '0')}${padding}"`);
    }
    publisher.flush();
  });
  await done.promise;
  publisher.close();
  consumer.close();
  return {
    value: percentileOf(latenciesMs, 0.99),
    messages,
    details: {
      [P50]: percentileOf(latenciesMs, 0.5),
      'max ms': percentileOf(latenciesMs, 1),
      "driver's lag p99 ms": percentileOf(lagsMs, 0.99),
    },
  };
};
