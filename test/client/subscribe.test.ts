import { describe, expect, test } from 'vitest';
import { startBroker } from '../support/start-broker.ts';
import { sdkClient, status, take } from '../support/sdk-client.ts';

describe('subscribing with the SDK', () => {
  test('hands out messages in order, and again with a higher attempt what was given back', async () => {
    const broker = await startBroker();
    const client = await sdkClient(broker.url);
    for (const body of [1, 2, 3]) await client.publish({ queue: 'q' }, body);
    const subscription = client.subscribe({ queue: 'q' }, { prefetch: 1 });
    expect(await subscription.ready).toEqual({ queue: 'q', waiting: 3 });
    const [first] = await take(subscription, 1);
    expect(await first?.nack()).toBe(true);
    expect(await first?.ack()).toBe(false);
    const [again] = await take(subscription, 1);
    expect(again).toMatchObject({ body: 1, attempt: 2 });
    expect(await again?.extend(5000)).toBe(true);
    expect(await again?.ack()).toBe(true);
    expect((await take(subscription, 1))[0]).toMatchObject({ body: 2, attempt: 1 });
  });

  test('holds no more than prefetch', async () => {
    const broker = await startBroker();
    const [client, other] = [await sdkClient(broker.url), await sdkClient(broker.url)];
    for (const body of [1, 2, 3, 4]) await client.publish({ queue: 'q' }, body);
    const subscription = client.subscribe({ queue: 'q' }, { prefetch: 3 });
    const taken = await take(subscription, 3);
    expect((await other.subscribe({ queue: 'q' }).ready).waiting).toBe(1);
    await taken[0]?.ack();
  });

  test('gives back what a left loop has not taken, and lets what it has taken be acknowledged', async () => {
    const broker = await startBroker();
    const [client, other] = [await sdkClient(broker.url), await sdkClient(broker.url)];
    await client.publishMany([1, 2, 3].map((body) => ({ queue: 'q', body })));
    for await (const message of client.subscribe({ queue: 'q' })) {
      expect(message.body).toBe(1);
      void message.ack();
      break;
    }
    const rest = await take(other.subscribe({ queue: 'q' }), 2);
    expect(rest.map(({ body }) => body)).toEqual([2, 3]);
  });

  test('may begin again after it was stopped', async () => {
    const broker = await startBroker();
    const client = await sdkClient(broker.url);
    const subscription = client.subscribe({ queue: 'q' });
    expect(() => client.subscribe({ queue: 'q' })).toThrow(expect.objectContaining({ code: 'conflict' }) as Error);
    await subscription.stop();
    expect(await subscription.next()).toEqual({ done: true, value: undefined });
    await client.publish({ queue: 'q' }, 1);
    expect(await take(client.subscribe({ queue: 'q' }), 1)).toHaveLength(1);
  });

  test('acknowledges by itself what the loop takes, if told to', async () => {
    const broker = await startBroker();
    const client = await sdkClient(broker.url);
    await client.publishMany(Array.from({ length: 50 }, (_, body) => ({ queue: 'q', body })));
    const subscription = client.subscribe({ queue: 'q' }, { prefetch: 5, autoAck: true });
    await take(subscription, 50);
    await subscription.stop();
    expect((await client.subscribe({ queue: 'q' }).ready).waiting).toBe(0);
  });

  test('survives a restart of the broker, and what was held comes again', async () => {
    const broker = await startBroker();
    const client = await sdkClient(broker.url, { client: 'alice' });
    const subscription = client.subscribe({ queue: 'q' });
    await client.publish({ queue: 'q' }, 'before');
    const [held] = await take(subscription, 1);
    for (const end of ['kill9', 'stop'] as const) {
      const down = status(client, 'disconnected');
      await broker[end]();
      await down;
      expect(await held?.ack()).toBe(false);
      await broker.start();
      const [again] = await take(subscription, 1);
      expect(again).toMatchObject({ id: held?.id, body: 'before' });
    }
    await client.publish({ queue: 'q' }, 'after');
    expect((await take(subscription, 1))[0]?.body).toBe('after');
  });

  test('with a topic misses nothing while the client is away, until it leaves', async () => {
    const broker = await startBroker();
    const bob = await sdkClient(broker.url, { client: 'bob' });
    const alice = await sdkClient(broker.url, { client: 'alice' });
    await alice.subscribe({ topic: ['room.a', 'room.b'] }).ready;
    await alice.close();
    await bob.publish({ topic: 'room.a' }, 1);
    await bob.publish({ topics: ['room.b', 'room.a'] }, 2);
    const back = await sdkClient(broker.url, { client: 'alice' });
    const inbox = back.subscribe({});
    expect((await take(inbox, 2)).map(({ body, topic }) => [topic, body])).toEqual([
      ['room.a', 1],
      ['room.b', 2],
    ]);
    await inbox.leave('room.b');
    await inbox.join('room.*.late');
    expect(await bob.publish({ topic: 'room.b' }, 3)).toMatchObject({ queues: 0 });
    expect(await bob.publish({ topic: 'room.x.late' }, 4)).toMatchObject({ queues: 1 });
    expect(await back.publish({ topic: 'room.x.late' }, 5, { exceptSelf: true })).toMatchObject({ queues: 0 });
    expect(() => back.subscribe({ topic: 'room.c' })).toThrow(/join/);
  });

  test('says what the broker has against it', async () => {
    const broker = await startBroker();
    const client = await sdkClient(broker.url, { client: 'alice' });
    const subscription = client.subscribe({ queue: '@bob' });
    await expect(subscription.next()).rejects.toMatchObject({ code: 'forbidden' });
    await expect(subscription.ready).rejects.toMatchObject({ code: 'forbidden' });
    await expect(client.subscribe({ queue: 'q' }, { prefetch: 0 }).next()).rejects.toThrow(/prefetch/);
  });

  test('settles bindings and settings of queues', async () => {
    const broker = await startBroker();
    const client = await sdkClient(broker.url);
    expect(await client.declare('q', { lease: 5000 })).toMatchObject({ lease: 5000 });
    await client.bind('q', 'orders.#');
    expect(await client.publish({ topic: 'orders.eu.new' }, 1)).toMatchObject({ queues: 1 });
    await client.unbind('q', 'orders.#');
    expect(await client.publish({ topic: 'orders.eu.new' }, 1)).toMatchObject({ queues: 0 });
  });

  test('takes no stale delivery for a new one when a lease has run out', async () => {
    const broker = await startBroker();
    const client = await sdkClient(broker.url);
    await client.declare('q', { lease: 1000 });
    await client.publish({ queue: 'q' }, 1);
    const subscription = client.subscribe({ queue: 'q' });
    const [first, second] = await take(subscription, 2);
    expect([first?.attempt, second?.attempt]).toEqual([1, 2]);
    expect(await first?.ack()).toBe(false);
    expect(await second?.ack()).toBe(true);
  });
});
