/** Clients of the SDK that end with the test, and waits that fail instead of hanging. */
import { onTestFinished } from 'vitest';
import {
  type Client,
  connect,
  type ConnectOptions,
  type Message,
  type Status,
  type Subscription,
} from '../../src/client/index.ts';

/** Quick to come back, so that a test is. */
const RECONNECT = { delayMin: 10, delayMax: 50 };

export async function sdkClient(url: string, options: ConnectOptions = {}): Promise<Client> {
  const client = await connect(url, { reconnect: RECONNECT, ...options });
  onTestFinished(() => client.close());
  return client;
}

export async function take(subscription: Subscription, count: number): Promise<Message[]> {
  const messages: Message[] = [];
  while (messages.length < count) {
    const { value } = await subscription.next();
    if (value === undefined) throw new Error(`the subscription ended after ${messages.length} of ${count} messages`);
    messages.push(value);
  }
  return messages;
}

/** Resolves when this has happened to the client. */
export function status(client: Client, type: Status['type']): Promise<Status> {
  return new Promise((resolve) => {
    const off = client.onStatus((now) => {
      if (now.type !== type) return;
      off();
      resolve(now);
    });
  });
}
