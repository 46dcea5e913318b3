/** What a client misses while it is away is there when it comes back: every message, once, in order, also after a crash. */
import { describe, expect, test } from 'vitest';
import { startBroker } from '../support/start-broker.ts';
import { Refused } from '../support/wire-client.ts';
import { aClient, crashAndRestart } from './stage.ts';

const numbers = (from: number, to: number): string[] => Array.from({ length: to - from + 1 }, (_, i) => String(from + i));

describe('a client that was away', () => {
  test('gets every message that it missed, in order, and is told how many wait', async () => {
    const broker = await startBroker();
    const server = await aClient(broker, 'server');
    const alice = await aClient(broker, 'alice');
    await alice.subscribe({ topic: 'news.#' });
    await server.publish({ topic: 'news.world' }, 1);
    await alice.ack(await alice.next());
    await alice.close();

    for (let n = 2; n <= 500; n++) await server.publish(n % 3 === 0 ? { queue: '@alice' } : { topic: 'news.world' }, n);

    const back = await aClient(broker, 'alice');
    expect(await back.welcome).toMatchObject({
      client: 'alice',
      resumed: true,
      inbox: { queue: '@alice', waiting: 499, unacked: 0 },
    });
    await back.subscribe({ prefetch: 1000 });
    const missed = await back.take(499);
    expect(missed.map(({ body }) => body)).toEqual(numbers(2, 500));
    expect(missed.every(({ attempt }) => attempt === 1)).toBe(true);
    expect(await back.ack(...missed)).toMatchObject({ count: 499 });
    await back.close();

    const again = await aClient(broker, 'alice');
    expect(await again.subscribe()).toMatchObject({ waiting: 0 });
    expect(await again.settled()).toEqual([]);
  });

  test('misses nothing when the broker is killed in between, once before and once after its return', async () => {
    const broker = await startBroker();
    const alice = await aClient(broker, 'alice');
    await alice.subscribe({ topic: 'news' });
    await alice.close();
    const server = await aClient(broker, 'server');
    for (let n = 1; n <= 100; n++) await server.publish({ topic: 'news' }, n);
    await crashAndRestart(broker);
    const restarted = await aClient(broker, 'server');
    for (let n = 101; n <= 200; n++) await restarted.publish({ topic: 'news' }, n);

    const back = await aClient(broker, 'alice');
    await back.subscribe();
    const first = await back.take(100);
    expect(first.map(({ body }) => body)).toEqual(numbers(1, 100));
    await back.ack(...first.slice(0, 50));
    await crashAndRestart(broker);

    const backAgain = await aClient(broker, 'alice');
    await backAgain.subscribe({ prefetch: 200 });
    const rest = await backAgain.take(150);
    expect(rest.map(({ body }) => body)).toEqual(numbers(51, 200));
    // these were delivered before the crash, so what comes now is not the first attempt
    expect(rest.slice(0, 50).every(({ attempt }) => attempt > 1)).toBe(true);
  });

  test('is given again what it had not acknowledged, before anything new', async () => {
    const broker = await startBroker();
    const server = await aClient(broker, 'server');
    const alice = await aClient(broker, 'alice');
    await alice.subscribe({ prefetch: 5 });
    for (let n = 1; n <= 10; n++) await server.publish({ queue: '@alice' }, n);
    const held = await alice.take(5);
    await alice.ack(...held.slice(0, 2));
    await alice.take(2);
    alice.terminate();

    const back = await aClient(broker, 'alice');
    await back.subscribe();
    const rest = await back.take(8);
    expect(rest.map(({ body }) => body)).toEqual(numbers(3, 10));
    expect(rest.map(({ attempt }) => attempt)).toEqual([2, 2, 2, 2, 2, 1, 1, 1]);
  });

  test('is taken over by its newer connection, which is given what the older one held', async () => {
    const broker = await startBroker();
    const server = await aClient(broker, 'server');
    const older = await aClient(broker, 'alice');
    await older.subscribe();
    await server.publish({ queue: '@alice' }, 'once');
    const held = await older.next();
    const newer = await aClient(broker, 'alice');
    expect(await older.closed).toBe(4100);
    await newer.subscribe();
    expect(await newer.next()).toMatchObject({ id: held.id, attempt: 2 });
  });

  test('publishes again what was not confirmed before a crash, and it is there once', async () => {
    const broker = await startBroker();
    const id = '0190b5a4-4c4e-7000-8000-00000000a17a';
    const alice = await aClient(broker, 'alice');
    expect(await alice.publish({ queue: 'orders', id }, 'A-17')).toMatchObject({ id, queues: 1 });
    await crashAndRestart(broker);
    const retrying = await aClient(broker, 'alice');
    expect(await retrying.publish({ queue: 'orders', id }, 'A-17')).toMatchObject({ id, queues: 1, duplicate: true });
    await expect(retrying.publish({ queue: 'orders', id }, 'B-2')).rejects.toThrow(Refused);
    expect(await retrying.subscribe({ queue: 'orders' })).toMatchObject({ waiting: 1 });
    expect(await retrying.next()).toMatchObject({ id, body: '"A-17"' });
  });
});
