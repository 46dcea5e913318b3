/** Named clients that subscribe to their inboxes and then do nothing but answer the server's pings. They stay until the driver ends. */
import type { Load } from '../lib/load.ts';
import { connectMany } from './connect-many.ts';

export interface Idle {
  readonly port: number;
  readonly clients: number;
}

const PREFETCH = 100;

/** Seconds until all are connected and subscribed. */
export const idle: Load<Idle> = async (protocol, params) => {
  const { inboxes } = protocol;
  if (inboxes === undefined) throw new Error('this protocol has no inboxes');
  const start = performance.now();
  const clients = Array.from({ length: params.clients }, (_, i) => `idle-${i}`);
  await connectMany(
    protocol,
    params.port,
    clients.map((client) => ({ client, opened: (connection) => connection.subscribe(inboxes.nameOf(client), PREFETCH) })),
  );
  return { value: (performance.now() - start) / 1000, messages: params.clients };
};
