/**
 * Clients that are away, with messages waiting in the inbox of each, and that all return at once: connect, subscribe, take what
 * waits, acknowledge each message by itself.
 */
import { bodiesFrom, type BodySource } from '../lib/bodies.ts';
import type { Load } from '../lib/load.ts';
import type { Inboxes, Protocol } from '../lib/protocol.ts';
import { Stream } from '../lib/stream.ts';
import { connectMany, each, type NamedClient } from './connect-many.ts';

export interface ReturningClients {
  readonly port: number;
  readonly clients: number;
  /** Messages that wait for each. */
  readonly waiting: number;
  readonly bodies: BodySource;
}

const PREFETCH = 100;
const PENDING_MAX = 100;
const WINDOW = 1000;

/** Seconds from the first connect until the server has taken the last ack of every client. */
export const returningClients: Load<ReturningClients> = async (protocol, params, marks) => {
  const { port, clients, waiting } = params;
  const { inboxes } = protocol;
  if (inboxes === undefined) throw new Error('this protocol has no inboxes');
  const names = Array.from({ length: clients }, (_, i) => `returning-${i}`);
  await each(names, PENDING_MAX, (name) => inboxes.make(port, name));
  await fillInboxes(params, names, protocol, inboxes);

  const allTaken = Promise.withResolvers<void>();
  let finished = 0;
  const taken = (): void => {
    if (++finished === clients) allTaken.resolve();
  };
  const returning = (client: string): NamedClient => {
    let received = 0;
    return {
      client,
      delivered(delivery, connection) {
        if (++received > waiting) throw new Error(`${client} was given more than ${waiting} messages`);
        connection.ack(delivery, received === waiting ? taken : undefined);
      },
      opened: (connection) => connection.subscribe(inboxes.nameOf(client), PREFETCH),
    };
  };

  await marks.begin();
  const start = performance.now();
  const connections = await connectMany(protocol, port, names.map(returning));
  const connectedSeconds = (performance.now() - start) / 1000;
  await allTaken.promise;
  const seconds = (performance.now() - start) / 1000;
  for (const connection of connections) connection.close();
  return { value: seconds, messages: clients * waiting, details: { 'all connected s': connectedSeconds } };
};

/** Resolves when all are confirmed. Each client's messages come one after the other, a round of clients at a time. */
async function fillInboxes(
  params: ReturningClients,
  names: readonly string[],
  protocol: Protocol,
  inboxes: Inboxes,
): Promise<void> {
  const { port, waiting } = params;
  const allConfirmed = Promise.withResolvers<void>();
  const stream = new Stream({ messages: names.length * waiting, secondsMax: Infinity }, bodiesFrom(params.bodies));
  let confirmed = 0;
  const publisher = await protocol.connect({
    port,
    client: 'returning-publisher',
    events: {
      confirmed(count) {
        confirmed += count;
        if (confirmed === stream.messages) allConfirmed.resolve();
      },
      turnEnded: () => fill(),
    },
  });
  const fill = (): void =>
    stream.send(WINDOW - (stream.sent - confirmed), (body) =>
      publisher.publish(inboxes.nameOf(names[stream.sent % names.length] ?? ''), body),
    );
  stream.begin();
  fill();
  publisher.flush();
  await allConfirmed.promise;
  publisher.close();
}
