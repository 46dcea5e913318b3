/** Many connections of named clients, as fast as the server lets them in, with a bound on those that are on their way at a time. */
import type { Connection, Delivery, Protocol } from '../lib/protocol.ts';

/** Under way at a time: enough to keep a server busy, and no more than wait at Mosquitto's port, where one too many waits a second. */
const PENDING_MAX = 100;

export interface NamedClient {
  readonly client: string;
  /** What is done once the connection is open; the next client comes when it is done. */
  readonly opened: (connection: Connection) => Promise<void>;
  /** What is sent during the call leaves after the turn. */
  readonly delivered?: (delivery: Delivery, connection: Connection) => void;
  readonly turnEnded?: () => void;
}

/** Resolves when every client is connected and has done what it does when opened. In the order of `clients`. */
export async function connectMany(
  protocol: Protocol,
  port: number,
  clients: readonly NamedClient[],
): Promise<readonly Connection[]> {
  const connections: Connection[] = [];
  await each(clients, PENDING_MAX, async (client, i) => {
    connections[i] = await connectOne(protocol, port, client);
  });
  return connections;
}

/** Works through the items, so many at a time. */
export async function each<T>(
  items: readonly T[],
  pendingMax: number,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  const left = items.entries();
  const worker = async (): Promise<void> => {
    for (const [i, item] of left) await work(item, i);
  };
  await Promise.all(Array.from({ length: pendingMax }, worker));
}

async function connectOne(protocol: Protocol, port: number, client: NamedClient): Promise<Connection> {
  const { delivered, turnEnded } = client;
  const connection = await protocol.connect({
    port,
    client: client.client,
    events: {
      ...(delivered && { delivered: (delivery: Delivery) => delivered(delivery, connection) }),
      ...(turnEnded && { turnEnded }),
    },
  });
  await client.opened(connection);
  return connection;
}
