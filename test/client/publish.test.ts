import { describe, expect, test } from 'vitest';
import { json } from '../../src/client/index.ts';
import { startBroker } from '../support/start-broker.ts';
import { sdkClient, status, take } from '../support/sdk-client.ts';

describe('publishing with the SDK', () => {
  test('answers with the id and how many queues it reached', async () => {
    const broker = await startBroker();
    const alice = await sdkClient(broker.url, { client: 'alice' });
    const id = '0194a1b0-6a5e-7c3e-9d5e-5f1d2c3b4a59';
    expect(await alice.publish({ queue: 'orders' }, { sku: 'A-17' }, { id })).toEqual({ id, queues: 1, duplicate: false });
    expect(await alice.publish({ queue: 'orders' }, { sku: 'A-17' }, { id })).toMatchObject({ id, duplicate: true });
    expect(await alice.publish({ topic: 'nobody.listens' }, 1)).toMatchObject({ queues: 0 });
  });

  test('carries all that a message has', async () => {
    const broker = await startBroker();
    const alice = await sdkClient(broker.url, { client: 'alice' });
    const options = { headers: { lang: '日本' }, replyTo: '@alice', correlation: 'c "1"' };
    const { id } = await alice.publish({ queue: 'orders' }, { sku: '😀' }, options);
    const [message] = await take(alice.subscribe({ queue: 'orders' }), 1);
    expect(message).toMatchObject({
      ...options,
      id,
      queue: 'orders',
      attempt: 1,
      from: 'alice',
      body: { sku: '😀' },
      isBinary: false,
    });
    expect(Math.abs((message?.time ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  test('carries JSON text byte for byte', async () => {
    const broker = await startBroker();
    const client = await sdkClient(broker.url);
    const texts = ['{"id":12345678901234567890,"a":1,"a":2}', '"\\u0041\\/\\ud83d\\ude00é😀"', '[ 1 , 1.0, 1e400,\t-0 ]', 'null'];
    await Promise.all(texts.map((text) => client.publish({ queue: 'raw' }, json(text))));
    await client.publishMany(texts.map((text) => ({ queue: 'raw', body: json(text) })));
    const messages = await take(client.subscribe({ queue: 'raw' }), 2 * texts.length);
    expect(messages.map(({ text }) => text)).toEqual([...texts, ...texts]);
  });

  test('carries bytes as bytes, in their place among other messages', async () => {
    const broker = await startBroker();
    const client = await sdkClient(broker.url);
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    await Promise.all([
      client.publish({ queue: 'q' }, 1),
      client.publish({ queue: 'q' }, bytes),
      client.publish({ queue: 'q' }, 2),
    ]);
    const messages = await take(client.subscribe({ queue: 'q' }), 3);
    expect(messages.map(({ body }) => body)).toEqual([1, bytes, 2]);
    expect(messages[1]?.isBinary).toBe(true);
  });

  test('keeps the order of calls that wait for the window', async () => {
    const broker = await startBroker();
    const client = await sdkClient(broker.url, { outstandingMax: 7 });
    await Promise.all(Array.from({ length: 500 }, (_, n) => client.publish({ queue: 'q' }, n)));
    const messages = await take(client.subscribe({ queue: 'q' }, { prefetch: 500 }), 500);
    expect(messages.map(({ body }) => body)).toEqual(Array.from({ length: 500 }, (_, n) => n));
  });

  test('retried across kill -9 is one message each', async () => {
    const broker = await startBroker();
    const client = await sdkClient(broker.url, { client: 'alice' });
    const published: Promise<{ readonly id: string }>[] = [];
    const publishSome = (): void => {
      for (let i = 0; i < 200; i++) published.push(client.publish({ queue: 'q' }, published.length));
    };
    for (let round = 0; round < 3; round++) {
      publishSome();
      await published.at(-200);
      const down = status(client, 'disconnected');
      const killed = broker.kill9();
      publishSome();
      await Promise.all([killed, down]);
      publishSome();
      await broker.start();
    }
    const ids = (await Promise.all(published)).map(({ id }) => id);
    const subscription = client.subscribe({ queue: 'q' }, { prefetch: 1800 });
    const messages = await take(subscription, 1800);
    expect(messages.map(({ id }) => id)).toEqual(ids);
    await Promise.all(messages.map((message) => message.ack()));
    await subscription.stop();
    expect((await client.subscribe({ queue: 'q' }).ready).waiting).toBe(0);
  });

  test('refuses what can not be sent, and what the broker would close the connection for', async () => {
    const broker = await startBroker(['--frame-max', '64KiB', '--depth-max', '50']);
    const client = await sdkClient(broker.url);
    const deep = `${'['.repeat(51)}${']'.repeat(51)}`;
    await expect(client.publish({ queue: 'q' }, 'x'.repeat(65_536))).rejects.toMatchObject({ code: 'too_large' });
    await expect(client.publish({ queue: 'q' }, new Uint8Array(65_536))).rejects.toMatchObject({ code: 'too_large' });
    await expect(client.publish({ queue: 'q' }, json(deep))).rejects.toMatchObject({ code: 'too_large' });
    await expect(client.publish({ queue: 'q' }, () => undefined)).rejects.toMatchObject({ code: 'bad_field' });
    await expect(client.publish({ queue: 'bad name' }, 1)).rejects.toMatchObject({ code: 'bad_field', retryable: false });
    await expect(client.publish({ queue: '@nobody' }, 1)).rejects.toMatchObject({ code: 'not_found' });
    await expect(client.publish({ queue: 'q' }, json(deep.slice(1, -1)))).resolves.toMatchObject({ queues: 1 });
    expect(client.isConnected).toBe(true);
  });

  test('takes many messages, all or none', async () => {
    const broker = await startBroker();
    const client = await sdkClient(broker.url);
    const { ids, duplicates } = await client.publishMany([
      { queue: 'a', body: 1 },
      { queue: 'b', body: 2 },
    ]);
    expect(ids).toHaveLength(2);
    expect(duplicates).toEqual([]);
    await expect(
      client.publishMany([
        { queue: 'a', body: 3 },
        { queue: 'no good', body: 4 },
      ]),
    ).rejects.toThrow(/messages\[1\]/);
    expect((await client.subscribe({ queue: 'a' }).ready).waiting).toBe(1);
  });
});
