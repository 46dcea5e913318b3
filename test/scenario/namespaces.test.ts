/** Namespaces share nothing, whatever their queues, topics and clients are called. */
import { expect, test } from 'vitest';
import { startBroker } from '../support/start-broker.ts';
import { Refused } from '../support/wire-client.ts';
import { aClient, crashAndRestart } from './stage.ts';

test('two namespaces with the same names of queues, topics and clients do not leak into each other, also after a crash', async () => {
  const broker = await startBroker();
  const id = '0190b5a4-4c4e-7000-8000-0000000000aa';
  const names = ['red', 'blue'] as const;
  for (const namespace of names) {
    const alice = await aClient(broker, 'alice', { namespace });
    await alice.subscribe({ topic: 'room.lobby' });
    const other = await aClient(broker, 'other', { namespace });
    // the same id is another message in another namespace, not a duplicate
    expect(await other.publish({ queue: 'orders', id }, `${namespace} order`)).not.toHaveProperty('duplicate');
    expect(await other.publish({ topic: 'room.lobby' }, `${namespace} lobby`)).toMatchObject({ queues: 1 });
    expect(await other.publish({ queue: '@alice' }, `${namespace} inbox`)).toMatchObject({ queues: 1 });
    expect((await alice.take(2)).map(({ body }) => body)).toEqual([`"${namespace} lobby"`, `"${namespace} inbox"`]);
    expect(await alice.settled()).toEqual([]);
  }
  await crashAndRestart(broker);
  for (const namespace of names) {
    const alice = await aClient(broker, 'alice', { namespace });
    await alice.subscribe();
    expect((await alice.take(2)).map(({ body }) => body)).toEqual([`"${namespace} lobby"`, `"${namespace} inbox"`]);
    await alice.subscribe({ queue: 'orders' });
    const order = await alice.next();
    expect(order).toMatchObject({ id, body: `"${namespace} order"` });
    await alice.ack(order);
    expect(await alice.settled()).toEqual([]);
  }
  const stranger = await aClient(broker, 'stranger');
  expect(await stranger.subscribe({ queue: 'orders' })).toMatchObject({ waiting: 0 });
  await expect(stranger.publish({ queue: '@alice' }, 'is there an alice here?')).rejects.toThrow(Refused);
});

test('a client of one namespace does not take over its namesake in another', async () => {
  const broker = await startBroker();
  const red = await aClient(broker, 'alice', { namespace: 'red' });
  await aClient(broker, 'alice', { namespace: 'blue' });
  await red.subscribe();
  expect(await red.publish({ queue: '@alice' }, 1)).toMatchObject({ queues: 1 });
  expect((await red.next()).body).toBe('1');
});
