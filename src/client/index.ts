/** The SDK's entry, for browsers and Node: all that a program may use. */
import { Client } from './client.ts';
import type { ConnectOptions } from './connect-options.ts';

export { type Body, json, JsonText } from './body.ts';
export type { Client, DrainOptions, QueueSettings, Status } from './client.ts';
export type { ConnectOptions, ReconnectOptions } from './connect-options.ts';
export { type ClientErrorCode, HoldfastError } from './holdfast-error.ts';
export type { Message } from './message.ts';
export type { Publication, Published, PublishedMany, PublishOptions, PublishTarget } from './publication.ts';
export type { Subscribed, SubscribeOptions, SubscribeTarget, Subscription } from './subscription.ts';

/**
 * Connects to a broker, such as `ws://127.0.0.1:4653`; resolves when it has said welcome.
 *
 *     const client = await connect('ws://127.0.0.1:4653', { client: 'alice' });
 *     await client.publish({ queue: 'orders' }, { sku: 'A-17' });
 *     await client.drain();
 *
 * When the connection breaks, it is made again, subscriptions are established again, and publishes without an answer are sent
 * again. Close codes from 4100 to 4199 (taken over, unauthenticated …) end the client instead.
 * @throws {HoldfastError} `unreachable` when there is no broker, `unauthenticated` for a wrong token, `bad_field` for a wrong
 * address or name.
 */
export async function connect(url: string, options: ConnectOptions = {}): Promise<Client> {
  const client = new Client(url, options);
  await client.ready;
  return client;
}
