/**
 * One topic, many connected clients with an inbox each, one publisher. Every client acknowledges every message by itself. A message
 * is followed by another one when so many deliveries have come that a whole one more can have reached everybody.
 */
import { bodiesFrom, type BodySource } from '../lib/bodies.ts';
import type { Load } from '../lib/load.ts';
import type { Connection } from '../lib/protocol.ts';
import { connectMany, type NamedClient } from './connect-many.ts';

export interface FanOut {
  readonly port: number;
  readonly topic: string;
  readonly subscribers: number;
  readonly messages: number;
  /** Messages that not everybody has been given. */
  readonly window: number;
  readonly bodies: BodySource;
}

const PREFETCH = 1000;

/** Deliveries per second, from the first publish until the server has taken the last ack of every subscriber. */
export const fanOut: Load<FanOut> = async (protocol, params, marks) => {
  const { port, topic, subscribers, messages, window } = params;
  const bodies = bodiesFrom(params.bodies);
  const allTaken = Promise.withResolvers<void>();
  let begun = false;
  let published = 0;
  let delivered = 0;
  let finished = 0;

  const publisher = await protocol.connect({ port, client: 'fan-out-publisher', events: {} });
  const fill = (): void => {
    const until = Math.min(messages, Math.floor(delivered / subscribers) + window);
    if (!begun || published >= until) return;
    for (; published < until; published++) publishToTopic(publisher, topic, bodies[published % bodies.length] ?? '');
    publisher.flush();
  };

  const subscriber = (client: string): NamedClient => {
    let received = 0;
    return {
      client,
      delivered(delivery, connection) {
        delivered++;
        if (++received > messages) throw new Error(`${client} was given more than ${messages} messages`);
        connection.ack(delivery, received === messages ? taken : undefined);
      },
      turnEnded: fill,
      opened: (connection) => subscribeToTopic(connection, topic),
    };
  };
  const taken = (): void => {
    if (++finished === subscribers) allTaken.resolve();
  };
  const clients = Array.from({ length: subscribers }, (_, i) => subscriber(`fan-out-${i}`));
  const connections = await connectMany(protocol, port, clients);

  await marks.begin();
  const start = performance.now();
  begun = true;
  fill();
  await allTaken.promise;
  const seconds = (performance.now() - start) / 1000;
  for (const connection of [publisher, ...connections]) connection.close();
  return { value: (messages * subscribers) / seconds, messages: messages * subscribers };
};

function publishToTopic(connection: Connection, topic: string, body: string): void {
  if (connection.publishToTopic === undefined) throw new Error('this protocol has no topics');
  connection.publishToTopic(topic, body);
}

function subscribeToTopic(connection: Connection, topic: string): Promise<void> {
  if (connection.subscribeToTopic === undefined) throw new Error('this protocol has no topics');
  return connection.subscribeToTopic(topic, PREFETCH);
}
