/** A client emits and the server handles; the server publishes to all or to some. Over real sockets, to a real broker process. */
import { describe, expect, test } from 'vitest';
import { startBroker } from '../support/start-broker.ts';
import { aClient } from './stage.ts';

describe('a client that emits', () => {
  test('has its message handled by the server, which answers to its inbox', async () => {
    const broker = await startBroker();
    const server = await aClient(broker, 'server');
    const alice = await aClient(broker, 'alice');
    await server.subscribe({ queue: 'orders' });
    await alice.subscribe();

    const { id, queues } = await alice.publish(
      { queue: 'orders', replyTo: '@alice', headers: { kind: 'order' } },
      { sku: 'A-17' },
    );
    expect(queues).toBe(1);
    const order = await server.next();
    expect(order).toMatchObject({ id, queue: 'orders', from: 'alice', attempt: 1, headers: '{"kind":"order"}' });
    expect(order.body).toBe('{"sku":"A-17"}');
    await server.publish({ queue: '@alice' }, { accepted: id });
    expect(await server.ack(order)).toMatchObject({ count: 1 });

    const answer = await alice.next();
    expect(answer).toMatchObject({ queue: '@alice', from: 'server', body: JSON.stringify({ accepted: id }) });
    await alice.ack(answer);
    expect(await server.subscribe({ queue: 'orders' })).toMatchObject({ waiting: 0 });
  });

  test('needs no server to be there: what it sent waits', async () => {
    const broker = await startBroker();
    const alice = await aClient(broker, 'alice');
    for (let n = 1; n <= 3; n++) await alice.publish({ queue: 'orders' }, n);
    await alice.close();
    const server = await aClient(broker);
    expect(await server.subscribe({ queue: 'orders' })).toMatchObject({ waiting: 3 });
    expect((await server.take(3)).map(({ body }) => body)).toEqual(['1', '2', '3']);
  });

  test('shares its messages out among several servers, each message to one of them', async () => {
    const broker = await startBroker();
    const alice = await aClient(broker, 'alice');
    const servers = [await aClient(broker), await aClient(broker)];
    for (const server of servers) await server.subscribe({ queue: 'orders', prefetch: 10 });
    for (let n = 1; n <= 20; n++) await alice.publish({ queue: 'orders' }, n);
    const taken = await Promise.all(servers.map((server) => server.take(10)));
    const numbers = taken.flat().map(({ body }) => Number(body));
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  });

  test('may send bytes, which arrive as bytes', async () => {
    const broker = await startBroker();
    const alice = await aClient(broker, 'alice');
    const server = await aClient(broker);
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    await server.subscribe({ queue: 'pictures' });
    await alice.publishBytes({ queue: 'pictures' }, bytes);
    expect((await server.next()).body).toEqual(bytes);
  });
});

describe('a publish of the server', () => {
  test('reaches all, a room, or several rooms, and each client once', async () => {
    const broker = await startBroker();
    const server = await aClient(broker, 'server');
    const rooms: Readonly<Record<string, readonly string[]>> = {
      ann: ['room.red'],
      ben: ['room.red', 'room.blue'],
      cem: ['room.blue'],
    };
    const members = new Map<string, Awaited<ReturnType<typeof aClient>>>();
    for (const [name, topics] of Object.entries(rooms)) {
      const member = await aClient(broker, name);
      for (const topic of ['everybody', ...topics]) await member.subscribe({ topic });
      members.set(name, member);
    }
    const reach = async (destination: Readonly<Record<string, unknown>>, body: string): Promise<unknown> =>
      (await server.publish(destination, body))['queues'];
    expect(await reach({ topic: 'everybody' }, 'all')).toBe(3);
    expect(await reach({ topic: 'room.red' }, 'red')).toBe(2);
    expect(await reach({ topic: 'room.blue' }, 'blue')).toBe(2);
    expect(await reach({ topics: ['room.red', 'room.blue'] }, 'both')).toBe(3);
    expect(await reach({ queue: '@cem' }, 'cem alone')).toBe(1);
    expect(await reach({ topic: 'room.green' }, 'nobody')).toBe(0);

    const heard = async (name: string): Promise<unknown[]> =>
      (await members.get(name)?.settled())?.map(({ body }) => JSON.parse(String(body)) as unknown) ?? [];
    expect(await heard('ann')).toEqual(['all', 'red', 'both']);
    expect(await heard('ben')).toEqual(['all', 'red', 'blue', 'both']);
    expect(await heard('cem')).toEqual(['all', 'blue', 'both', 'cem alone']);
  });
});
