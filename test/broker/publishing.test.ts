import { describe, expect, it } from 'vitest';
import { BrokerRig, request } from '../support/broker-rig.ts';
import { FaultyStore } from '../support/faulty-store.ts';

const ID = '0194a1b0-6a5e-7c3e-9d5e-5f1d2c3b4a59';
const WINDOW_MS = 300_000;

describe('a publish with an id', () => {
  it('that comes again within the window stores nothing and says so, also after a crash', async () => {
    const rig = await BrokerRig.start({ dedupWindowMs: WINDOW_MS });
    const client = await rig.client('c');
    const message = { queue: 'q', id: ID, body: '1' };
    expect(await client.publish(message)).toEqual({ id: ID, queues: 1, duplicate: false });
    expect(await client.publish(message)).toEqual({ id: ID, queues: 1, duplicate: true });
    await rig.startAgain();
    await rig.advance(WINDOW_MS - 1000);
    const again = await rig.client('c');
    expect(await again.publish(message)).toEqual({ id: ID, queues: 1, duplicate: true });
    expect(await again.subscribe({ queue: 'q' })).toMatchObject({ waiting: 1 });
    expect(again.bodies()).toEqual(['1']);
  });

  it('is a new message when the window is over', async () => {
    const rig = await BrokerRig.start({ dedupWindowMs: WINDOW_MS });
    const client = await rig.client('c');
    await client.publish({ queue: 'q', id: ID });
    await rig.advance(WINDOW_MS + 1000);
    expect(await client.publish({ queue: 'q', id: ID })).toMatchObject({ duplicate: false });
  });

  it('is a conflict with another body, other headers or another destination', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('c');
    await client.publish({ queue: 'q', id: ID, body: '1' });
    await client.bind('q', 'q');
    for (const other of [
      { queue: 'q', body: '2' },
      { queue: 'q', body: '1', headers: '{}' },
      { queue: 'r', body: '1' },
      { topic: 'q', body: '1' },
      { queue: 'q', body: '1', binary: true },
    ])
      await expect(client.publish({ ...other, id: ID })).rejects.toMatchObject({ code: 'conflict' });
    expect(await client.subscribe({ queue: 'q' })).toMatchObject({ waiting: 1 });
  });

  it('is a message of its own in another namespace', async () => {
    const rig = await BrokerRig.start();
    const [here, there] = [await rig.client('c'), await rig.client('c', { namespace: 'other' })];
    await here.publish({ queue: 'q', id: ID, body: '1' });
    expect(await there.publish({ queue: 'q', id: ID, body: '2' })).toMatchObject({ duplicate: false });
  });

  it('twice in the same turn is one message', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('c');
    const message = { queue: 'q', id: ID };
    const both = await rig.until(Promise.all([client.publishAllSoon([message]), client.publishAllSoon([message])]));
    expect(both.flat().map(({ duplicate }) => duplicate)).toEqual([false, true]);
  });
});

describe('several messages in one publish', () => {
  it('are stored in their order, with ids in theirs', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('c');
    await client.subscribe({ queue: 'q' });
    const published = await client.publishAll([1, 2, 3].map((n) => ({ queue: 'q', body: String(n) })));
    const taken = client.take();
    expect(taken.map(({ message }) => message.id)).toEqual(published.map(({ id }) => id));
    expect(taken.map(({ message }) => message.body)).toEqual(['1', '2', '3']);
  });

  it('are stored all or none when one is a conflict', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('c');
    await client.publish({ queue: 'q', id: ID, body: '1' });
    const batch = [
      { queue: 'q', body: '2' },
      { queue: 'q', body: '3', id: ID },
    ];
    await expect(client.publishAll(batch)).rejects.toMatchObject({ code: 'conflict' });
    await client.subscribe({ queue: 'q' });
    expect(client.bodies()).toEqual(['1']);
  });

  it('are stored all or none when one has nowhere to go', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('c');
    const batch = [{ queue: 'q' }, { queue: '@nobody' }];
    await expect(client.publishAll(batch)).rejects.toMatchObject({ code: 'not_found' });
    expect(await client.subscribe({ queue: 'q' })).toMatchObject({ waiting: 0 });
  });

  it('say which of them were published before, and store the others', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('c');
    await client.publish({ queue: 'q', id: ID, body: '1' });
    const published = await client.publishAll([
      { queue: 'q', body: '2' },
      { queue: 'q', id: ID, body: '1' },
    ]);
    expect(published.map(({ duplicate }) => duplicate)).toEqual([false, true]);
    expect(await client.subscribe({ queue: 'q' })).toMatchObject({ waiting: 2 });
  });
});

describe('what a message carries', () => {
  it('arrives as it was given', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('c');
    await client.subscribe({ queue: 'q' });
    const carried = {
      headers: '{"a":"1", "a":"2"}',
      replyTo: '@c',
      correlation: '"\\u0041"',
      binary: true,
      body: '\u00ff\u0000',
    };
    await client.publish({ queue: 'q', ...carried });
    const [delivery] = client.take();
    expect(delivery?.message.body).toBe(carried.body);
    const { body: _body, ...attributes } = carried;
    expect(delivery?.message.attributes).toEqual({ ...attributes, from: 'c' });
  });

  it('has ids that differ and sort as they were made', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('c');
    const published = await client.publishAll(Array.from({ length: 500 }, () => ({ queue: 'q' })));
    await rig.restart();
    const again = await rig.client('c');
    const more = await again.publishAll(Array.from({ length: 500 }, () => ({ queue: 'q' })));
    const ids = [...published, ...more].map(({ id }) => id);
    expect(new Set(ids).size).toBe(1000);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const first = published.map(({ id }) => id);
    expect(first.toSorted()).toEqual(first);
  });
});

describe('a store that fails', () => {
  it('is told once, and nothing that was not written is answered or delivered', async () => {
    const rig = await BrokerRig.start({ wrap: (store) => new FaultyStore(store, { failAtCommit: 4 }) });
    const client = await rig.client('c');
    await client.subscribe({ queue: 'q' });
    let answers = 0;
    for (let n = 0; n < 3; n++) {
      void client.session.publish([request({ queue: 'q' })], () => answers++);
      void client.publishAllSoon([{ topic: 't' }]).then(() => answers++);
      await rig.settle();
    }
    expect(rig.failures).toHaveLength(1);
    expect(rig.failures[0]).toMatchObject({ message: 'commit 4 failed, as planned' });
    const before = answers;
    void client.session.publish([request({ queue: 'other' })], () => answers++);
    void client.session.subscribe({ queue: 'third', topic: undefined, prefetch: 1, autoAck: false }).then(() => answers++);
    client.session.end();
    await rig.settle();
    expect(answers).toBe(before);
    expect(client.take().length).toBeLessThanOrEqual(before);
  });

  it('that answers late delays answers and deliveries, and loses none', async () => {
    let delays = 0;
    const delay = async () => {
      for (let i = 0; i < delays++ % 5; i++) await new Promise((resolve) => setImmediate(resolve));
    };
    const rig = await BrokerRig.start({
      wrap: (store) => new FaultyStore(store, { delay }),
      limits: { readyMessagesMax: 4 },
    });
    const opening = rig.client('c');
    const until = async <T>(wanted: Promise<T>): Promise<T> => {
      let over = false;
      void wanted.finally(() => {
        over = true;
      });
      while (!over) await rig.settle();
      return wanted;
    };
    const client = await until(opening);
    const published = Array.from({ length: 50 }, (_, n) => client.publishAllSoon([{ queue: 'q', body: String(n) }]));
    await until(client.subscribe({ queue: 'q' }));
    await until(Promise.all(published));
    const bodies: string[] = [];
    while (bodies.length < 50) {
      await rig.settle();
      const taken = client.take();
      bodies.push(...taken.map(({ message }) => message.body));
      if (taken.length > 0) await until(client.ack(...taken));
    }
    expect(bodies).toEqual(Array.from({ length: 50 }, (_, n) => String(n)));
  });
});

describe('a broker with more to write than it should', () => {
  it('says that it is saturated, and gives relief when it is written', async () => {
    const rig = await BrokerRig.start({ uncommittedBytesMax: 1000 });
    const client = await rig.client('c');
    expect(rig.broker.saturated).toBe(false);
    await client.publish({ queue: 'q' });
    const published = client.publishAllSoon([{ queue: 'q', body: `"${'x'.repeat(1000)}"` }]);
    expect(rig.broker.saturated).toBe(true);
    const relief = new Promise<void>((resolve) => rig.broker.onRelief(resolve));
    await rig.until(Promise.all([published, relief]));
    expect(rig.broker.saturated).toBe(false);
  });
});

it('takes nothing in while the disk is nearly full, lets go of what it has, and goes on by itself', async () => {
  const space = { isLow: false };
  const rig = await BrokerRig.start({ space });
  const client = await rig.client('c');
  await client.publishNumbers('q', 1, 2);
  await client.subscribe({ queue: 'q' });
  space.isLow = true;
  await expect(client.publish({ queue: 'q', body: '3' })).rejects.toMatchObject({ code: 'disk_full' });
  expect(await client.ack(...client.take())).toBe(2);
  space.isLow = false;
  await client.publishNumbers('q', 4, 4);
  expect(client.bodies()).toEqual(['4']);
});
