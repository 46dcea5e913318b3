import { describe, expect, it } from 'vitest';
import { BrokerRig, LEASE_MS } from '../support/broker-rig.ts';

describe('deliveries', () => {
  it('arrive in the order in which the messages were confirmed, with attempt 1', async () => {
    const rig = await BrokerRig.start();
    const publisher = await rig.client();
    const consumer = await rig.client('c');
    await publisher.publishNumbers('q', 1, 3);
    expect(await consumer.subscribe({ queue: 'q' })).toEqual({ queue: 'q', waiting: 3 });
    await publisher.publishNumbers('q', 4, 6);
    expect(consumer.attempts()).toEqual(['1×1', '2×1', '3×1', '4×1', '5×1', '6×1']);
  });

  it('begin only with a subscription', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('c');
    await client.publish({ queue: 'q' });
    await client.publish({ queue: '@c' });
    expect(client.take()).toEqual([]);
  });

  it('never exceed the prefetch, and go on with each acknowledgement', async () => {
    const rig = await BrokerRig.start();
    const publisher = await rig.client();
    const consumer = await rig.client('c');
    await consumer.subscribe({ queue: 'q', prefetch: 2 });
    await publisher.publishNumbers('q', 1, 5);
    const first = consumer.take();
    expect(first).toHaveLength(2);
    await consumer.ack(...first.slice(0, 1));
    expect(consumer.bodies()).toEqual(['3']);
    await consumer.ack(...first.slice(1));
    expect(consumer.bodies()).toEqual(['4']);
  });

  it('use a prefetch that was raised, and respect one that was lowered', async () => {
    const rig = await BrokerRig.start();
    const publisher = await rig.client();
    const consumer = await rig.client('c');
    await publisher.publishNumbers('q', 1, 6);
    await consumer.subscribe({ queue: 'q', prefetch: 1 });
    await consumer.subscribe({ queue: 'q', prefetch: 3 });
    const held = consumer.take();
    expect(held).toHaveLength(3);
    await consumer.subscribe({ queue: 'q', prefetch: 1 });
    await consumer.ack(...held.slice(0, 2));
    expect(consumer.bodies()).toEqual([]);
    await consumer.ack(...held.slice(2));
    expect(consumer.bodies()).toEqual(['4']);
  });

  it('are shared among several consumers in turn', async () => {
    const rig = await BrokerRig.start();
    const publisher = await rig.client();
    const consumers = await Promise.all(['a', 'b', 'c'].map((name) => rig.client(name)));
    for (const consumer of consumers) await consumer.subscribe({ queue: 'q' });
    await publisher.publishNumbers('q', 1, 9);
    const shares = consumers.map((consumer) => consumer.bodies());
    expect(shares.map((share) => share.length)).toEqual([3, 3, 3]);
    expect(
      shares
        .flat()
        .map(Number)
        .toSorted((a, b) => a - b),
    ).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('pass over a consumer that is full or not writable, and come back to it', async () => {
    const rig = await BrokerRig.start();
    const publisher = await rig.client();
    const [slow, quick] = [await rig.client('slow'), await rig.client('quick')];
    await slow.subscribe({ queue: 'q' });
    await quick.subscribe({ queue: 'q' });
    slow.outlet.writable = false;
    await publisher.publishNumbers('q', 1, 4);
    expect(slow.bodies()).toEqual([]);
    expect(quick.bodies()).toEqual(['1', '2', '3', '4']);
    quick.outlet.writable = false;
    await publisher.publishNumbers('q', 5, 6);
    slow.outlet.writable = true;
    slow.session.resume();
    await rig.settle();
    expect(slow.bodies()).toEqual(['5', '6']);
  });

  it('are settled as they are sent with autoAck, whatever the prefetch', async () => {
    const rig = await BrokerRig.start();
    const publisher = await rig.client();
    const consumer = await rig.client('c');
    await consumer.subscribe({ queue: 'q', prefetch: 1, autoAck: true });
    await publisher.publishNumbers('q', 1, 5);
    const sent = consumer.take();
    expect(sent).toHaveLength(5);
    await expect(consumer.ack(...sent)).rejects.toMatchObject({ code: 'not_held' });
    await consumer.end();
    const next = await rig.client('d');
    expect(await next.subscribe({ queue: 'q' })).toEqual({ queue: 'q', waiting: 0 });
    await rig.advance(2 * LEASE_MS);
    expect(next.take()).toEqual([]);
  });

  it('stop at what one connection may hold, and go on with every subscription of it', async () => {
    const rig = await BrokerRig.start({ limits: { unackedMax: 2 } });
    const publisher = await rig.client();
    const consumer = await rig.client('c');
    await consumer.subscribe({ queue: 'one' });
    await consumer.subscribe({ queue: 'two' });
    await publisher.publishNumbers('one', 1, 2);
    const held = consumer.take();
    await publisher.publishNumbers('two', 3, 4);
    expect(consumer.bodies()).toEqual([]);
    await consumer.ack(...held);
    expect(consumer.bodies()).toEqual(['3', '4']);
  });

  it('of a queue to which a consumer comes while others publish all arrive once', async () => {
    const rig = await BrokerRig.start({ limits: { readyMessagesMax: 4 } });
    const publisher = await rig.client();
    const consumer = await rig.client('c');
    await publisher.publishNumbers('q', 1, 30);
    const subscribed = consumer.session.subscribe({ queue: 'q', topic: undefined, prefetch: 1000, autoAck: false });
    for (let n = 31; n <= 90; n += 3) {
      const published = [n, n + 1, n + 2].map((body) => publisher.publishAllSoon([{ queue: 'q', body: String(body) }]));
      await Promise.resolve();
      if (n % 2 === 0) await rig.until(Promise.all(published));
    }
    await rig.until(subscribed);
    expect(consumer.bodies()).toEqual(Array.from({ length: 92 - 2 }, (_, i) => String(i + 1)));
  });

  it('stay in order with a window smaller than the backlog, as more is published while it is read', async () => {
    const rig = await BrokerRig.start({ limits: { readyMessagesMax: 4, readyBytesMax: 6 } });
    const publisher = await rig.client();
    const consumer = await rig.client('c');
    await consumer.subscribe({ queue: 'q', prefetch: 3 });
    const bodies: string[] = [];
    for (let n = 1; n <= 60; n += 6) {
      await publisher.publishNumbers('q', n, n + 5);
      const taken = consumer.take();
      bodies.push(...taken.map(({ message }) => message.body));
      await consumer.ack(...taken);
    }
    for (let taken = consumer.take(); taken.length > 0; taken = consumer.take()) {
      bodies.push(...taken.map(({ message }) => message.body));
      await consumer.ack(...taken);
    }
    expect(bodies).toEqual(Array.from({ length: 60 }, (_, i) => String(i + 1)));
  });
});

describe('an acknowledgement', () => {
  it('of what the connection does not hold is refused and changes nothing', async () => {
    const rig = await BrokerRig.start();
    const publisher = await rig.client();
    const [one, other] = [await rig.client('one'), await rig.client('other')];
    await one.subscribe({ queue: 'q' });
    await publisher.publishNumbers('q', 1, 2);
    const held = one.take();
    await expect(other.ack(...held)).rejects.toMatchObject({ code: 'not_held' });
    await one.ack(...held.slice(0, 1));
    await expect(one.ack(...held)).rejects.toMatchObject({ code: 'not_held' });
    await one.end();
    await other.subscribe({ queue: 'q' });
    expect(other.attempts()).toEqual(['2×2']);
  });

  it('without a queue settles every delivery of that id, with one only that queue’s', async () => {
    const rig = await BrokerRig.start();
    const publisher = await rig.client();
    const consumer = await rig.client('c');
    for (const queue of ['a', 'b', 'c']) {
      await consumer.bind(queue, 't');
      await consumer.subscribe({ queue });
    }
    await publisher.publish({ topic: 't' });
    const [first] = consumer.take();
    const ids = [first?.message.id ?? ''];
    const count = new Promise((resolve) => consumer.session.ack({ ids, queue: 'b' }, resolve));
    expect(await rig.until(count)).toBe(1);
    expect(await consumer.ack(...(first === undefined ? [] : [first]))).toBe(2);
  });

  it('is final, also after a crash', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('c');
    await client.subscribe({ queue: 'q' });
    await client.publishNumbers('q', 1, 3);
    await client.ack(...client.take().slice(0, 2));
    await rig.startAgain();
    const again = await rig.client('c');
    await again.subscribe({ queue: 'q' });
    expect(again.attempts()).toEqual(['3×2']);
  });

  it('of a session that unsubscribed still counts', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('c');
    await client.subscribe({ queue: 'q' });
    await client.publishNumbers('q', 1, 2);
    const held = client.take();
    await client.unsubscribe('q');
    await client.publishNumbers('q', 3, 3);
    expect(await client.ack(...held)).toBe(2);
    expect(client.take()).toEqual([]);
  });
});
