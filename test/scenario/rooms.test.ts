/** Rooms are topics: join is subscribe, leave is unsubscribe. */
import { describe, expect, test } from 'vitest';
import { startBroker } from '../support/start-broker.ts';
import type { WireClient } from '../support/wire-client.ts';
import { aClient, crashAndRestart } from './stage.ts';

async function heard(client: WireClient): Promise<unknown[]> {
  return (await client.settled()).map(({ body }) => JSON.parse(String(body)) as unknown);
}

describe('a room', () => {
  test('is heard by those who joined, from then on and until they leave', async () => {
    const broker = await startBroker();
    const [ann, ben] = [await aClient(broker, 'ann'), await aClient(broker, 'ben')];
    await ann.subscribe({ topic: 'room.lobby' });
    expect(await ann.publish({ topic: 'room.lobby' }, 'is anybody there?')).toMatchObject({ queues: 1 });
    await ben.subscribe({ topic: 'room.lobby' });
    expect(await ann.publish({ topic: 'room.lobby' }, 'hello ben')).toMatchObject({ queues: 2 });
    await ben.request({ type: 'unsubscribe', topic: 'room.lobby' });
    expect(await ann.publish({ topic: 'room.lobby' }, 'ben?')).toMatchObject({ queues: 1 });
    expect(await heard(ann)).toEqual(['is anybody there?', 'hello ben', 'ben?']);
    expect(await heard(ben)).toEqual(['hello ben']);
  });

  test('does not tell the sender what it said itself, if it asks for that', async () => {
    const broker = await startBroker();
    const [ann, ben] = [await aClient(broker, 'ann'), await aClient(broker, 'ben')];
    for (const member of [ann, ben]) await member.subscribe({ topic: 'room.lobby' });
    expect(await ann.publish({ topic: 'room.lobby', exceptSelf: true }, 'hello all')).toMatchObject({ queues: 1 });
    expect(await heard(ann)).toEqual([]);
    expect(await heard(ben)).toEqual(['hello all']);
  });

  test('is heard once by who is in several of the rooms, or in one for several reasons', async () => {
    const broker = await startBroker();
    const [ann, ben, cem] = [await aClient(broker, 'ann'), await aClient(broker, 'ben'), await aClient(broker, 'cem')];
    for (const topic of ['room.red', 'room.blue', 'room.*', 'room.#']) await ann.subscribe({ topic });
    await ben.subscribe({ topic: 'room.blue' });
    const topics = ['room.red', 'room.blue'];
    expect(await cem.publish({ topics, exceptSelf: true }, 'to both')).toMatchObject({ queues: 2 });
    expect(await ann.publish({ topics, exceptSelf: true }, 'from ann')).toMatchObject({ queues: 1 });
    expect(await heard(ann)).toEqual(['to both']);
    expect(await heard(ben)).toEqual(['to both', 'from ann']);
  });

  test('keeps its members, and the word for those who are away, when the broker is killed', async () => {
    const broker = await startBroker();
    const ann = await aClient(broker, 'ann');
    await ann.subscribe({ topic: 'room.lobby' });
    await ann.subscribe({ topic: 'room.left' });
    await ann.request({ type: 'unsubscribe', topic: 'room.left' });
    await ann.close();
    await crashAndRestart(broker);
    const ben = await aClient(broker, 'ben');
    expect(await ben.publish({ topic: 'room.lobby' }, 'hello ann')).toMatchObject({ queues: 1 });
    expect(await ben.publish({ topic: 'room.left' }, 'nobody here')).toMatchObject({ queues: 0 });
    const back = await aClient(broker, 'ann');
    await back.subscribe();
    expect(await back.next()).toMatchObject({ topic: 'room.lobby', from: 'ben', body: '"hello ann"' });
    expect(await heard(back)).toEqual([]);
  });
});
