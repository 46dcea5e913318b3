import { describe, expect, it } from 'vitest';
import { BrokerRig, LEASE_MS, type RigOptions } from '../support/broker-rig.ts';
import { FaultyStore } from '../support/faulty-store.ts';

async function withConsumer(count: number, options: RigOptions = {}) {
  const rig = await BrokerRig.start(options);
  const consumer = await rig.client('c');
  await consumer.subscribe({ queue: 'q' });
  await consumer.publishNumbers('q', 1, count);
  return { rig, consumer, held: consumer.take() };
}

describe('a message that comes back', () => {
  it('is delivered again at once after a nack, with the next attempt', async () => {
    const { consumer, held } = await withConsumer(2);
    expect(await consumer.nack(held)).toBe(2);
    expect(consumer.attempts()).toEqual(['1×2', '2×2']);
  });

  it('comes before what is newer', async () => {
    const rig = await BrokerRig.start({ limits: { readyMessagesMax: 4 } });
    const consumer = await rig.client('c');
    await consumer.publishNumbers('q', 1, 20);
    await consumer.subscribe({ queue: 'q', prefetch: 2 });
    await consumer.nack(consumer.take());
    expect(consumer.attempts()).toEqual(['1×2', '2×2']);
  });

  it('waits for the delay of its nack, while others go on', async () => {
    const { rig, consumer, held } = await withConsumer(2);
    await consumer.nack(held.slice(0, 1), 5000);
    await consumer.publishNumbers('q', 3, 3);
    expect(consumer.attempts()).toEqual(['3×1']);
    await rig.advance(4990);
    expect(consumer.attempts()).toEqual([]);
    await rig.advance(20);
    expect(consumer.attempts()).toEqual(['1×2']);
  });

  it('waits by the queue’s backoff after a nack without a delay, the last step repeating', async () => {
    const { rig, consumer, held } = await withConsumer(1);
    await consumer.declare('q', { backoffMs: [1000, 3000] });
    await consumer.nack(held);
    const arrivedAfter: number[] = [];
    for (let attempt = 2; attempt <= 4; attempt++) {
      let waited = 0;
      let taken = consumer.take();
      for (; taken.length === 0; taken = consumer.take()) {
        await rig.advance(500);
        waited += 500;
      }
      arrivedAfter.push(waited);
      await consumer.nack(taken);
    }
    expect(arrivedAfter.map((ms) => Math.floor(ms / 1000))).toEqual([1, 3, 3]);
  });

  it('returns at once when a nack says that the delay is 0, whatever the backoff', async () => {
    const { consumer, held } = await withConsumer(1, { defaults: { backoffMs: [10_000] } });
    await consumer.nack(held, 0);
    expect(consumer.attempts()).toEqual(['1×2']);
  });

  it('returns when its lease ran out, and its holder can not settle it any more', async () => {
    const { rig, consumer, held } = await withConsumer(1);
    const other = await rig.client('other');
    await other.subscribe({ queue: 'q' });
    await consumer.unsubscribe('q');
    await rig.advance(LEASE_MS - 10);
    expect(other.take()).toEqual([]);
    await rig.advance(20);
    expect(other.attempts()).toEqual(['1×2']);
    await expect(consumer.ack(...held)).rejects.toMatchObject({ code: 'not_held' });
  });

  it('returns when its lease ran out, also to the one who let it run out', async () => {
    const { rig, consumer } = await withConsumer(3);
    await rig.advance(LEASE_MS + 10);
    expect(consumer.attempts()).toEqual(['1×2', '2×2', '3×2']);
    await rig.advance(LEASE_MS + 10);
    expect(consumer.attempts()).toEqual(['1×3', '2×3', '3×3']);
  });

  it('returns later when its lease was extended, and sooner when it was shortened', async () => {
    const { rig, consumer, held } = await withConsumer(3);
    const [first, second] = held;
    if (first === undefined || second === undefined) throw new Error('two were to be delivered');
    await consumer.extend([first], 3 * LEASE_MS);
    await consumer.extend([second], 1000);
    await rig.advance(1010);
    expect(consumer.attempts()).toEqual(['2×2']);
    await rig.advance(LEASE_MS);
    expect(consumer.attempts()).toEqual(['3×2', '2×3']);
    await rig.advance(2 * LEASE_MS - 1100);
    expect(consumer.attempts()).not.toContain('1×2');
    await rig.advance(200);
    expect(consumer.attempts()).toContain('1×2');
  });

  it('does not return while its lease is extended again and again', async () => {
    const { rig, consumer, held } = await withConsumer(1);
    for (let i = 0; i < 10; i++) {
      await rig.advance(LEASE_MS / 2);
      await consumer.extend(held, LEASE_MS);
    }
    expect(consumer.take()).toEqual([]);
    expect(await consumer.ack(...held)).toBe(1);
  });

  it('goes to somebody else when its holder ends', async () => {
    const { rig, consumer } = await withConsumer(2);
    const other = await rig.client('other');
    await other.subscribe({ queue: 'q' });
    await consumer.end();
    expect(other.attempts()).toEqual(['1×2', '2×2']);
  });

  it('goes to the newer connection of a client that takes over', async () => {
    const { rig, consumer } = await withConsumer(2);
    await consumer.publish({ queue: '@c', body: '"inbox"' });
    await consumer.subscribe();
    const newer = await rig.client('c');
    expect(consumer.outlet.over).toBe(true);
    expect(newer.opened.resumed).toBe(true);
    expect(newer.opened.inbox).toMatchObject({ queue: '@c', unacked: 1 });
    await newer.subscribe({ queue: 'q' });
    await newer.subscribe();
    expect(newer.attempts().toSorted()).toEqual(['"inbox"×2', '1×2', '2×2']);
    await consumer.publishNumbers('q', 3, 3);
    expect(consumer.take().map(({ message }) => message.body)).toEqual(['"inbox"']);
    expect(newer.bodies()).toEqual(['3']);
  });

  it('keeps its attempts over a restart in good order, exactly', async () => {
    const { rig, consumer, held } = await withConsumer(3);
    await consumer.nack(held.slice(0, 1));
    await consumer.publishNumbers('never', 9, 9);
    await rig.restart();
    const again = await rig.client('c');
    await again.subscribe({ queue: 'q' });
    expect(again.attempts()).toEqual(['1×3', '2×2', '3×2']);
    await again.subscribe({ queue: 'never' });
    expect(again.attempts()).toEqual(['9×1']);
  });

  it('never has attempt 1 again after a crash', async () => {
    const { rig } = await withConsumer(3);
    await rig.startAgain();
    const again = await rig.client('c');
    await again.subscribe({ queue: 'q' });
    expect(again.attempts()).toEqual(['1×2', '2×2', '3×2']);
  });

  it('has attempt 1 after a crash if its queue had no consumer', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('c');
    await client.publishNumbers('q', 1, 2);
    await rig.startAgain();
    const again = await rig.client('c');
    await again.subscribe({ queue: 'q' });
    expect(again.attempts()).toEqual(['1×1', '2×1']);
  });
});

describe('a delayed message', () => {
  it('is delivered when its time comes, among those that are there by then', async () => {
    const rig = await BrokerRig.start();
    const consumer = await rig.client('c');
    await consumer.subscribe({ queue: 'q' });
    await consumer.publish({ queue: 'q', body: '"late"', delayMs: 1000 });
    await consumer.publish({ queue: 'q', body: '"now"' });
    expect(consumer.attempts()).toEqual(['"now"×1']);
    await rig.advance(990);
    expect(consumer.take()).toEqual([]);
    await rig.advance(20);
    expect(consumer.attempts()).toEqual(['"late"×1']);
  });

  it('keeps its time over a crash', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('c');
    await client.publish({ queue: 'q', body: '"late"', delayMs: 1000 });
    await rig.startAgain();
    const again = await rig.client('c');
    await again.subscribe({ queue: 'q' });
    await rig.advance(990);
    expect(again.take()).toEqual([]);
    await rig.advance(20);
    expect(again.attempts()).toEqual(['"late"×1']);
  });

  it('comes once and in time when there are many more of them than the window holds', async () => {
    const rig = await BrokerRig.start({ limits: { readyMessagesMax: 4 } });
    const consumer = await rig.client('c');
    await consumer.subscribe({ queue: 'q', prefetch: 3 });
    for (let n = 1; n <= 60; n++) await consumer.publish({ queue: 'q', body: String(n), delayMs: 1000 + ((n * 37) % 60) * 100 });
    const arrived: number[] = [];
    for (let tick = 0; tick < 80; tick++) {
      await rig.advance(100);
      for (let taken = consumer.take(); taken.length > 0; taken = consumer.take()) {
        arrived.push(...taken.map(({ message }) => Number(message.body)));
        await consumer.ack(...taken);
      }
    }
    expect(arrived.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
  });

  it('comes once when it was due before one with a shorter delay was committed', async () => {
    const gate = Promise.withResolvers<void>();
    let isShut = false;
    const rig = await BrokerRig.start({
      limits: { readyMessagesMax: 1 },
      wrap: (store) =>
        new FaultyStore(store, { delay: async (call) => (isShut && call === 'commit' ? gate.promise : undefined) }),
    });
    const publisher = await rig.client();
    const consumer = await rig.client('c');
    await consumer.subscribe({ queue: 'q' });
    await publisher.publish({ queue: 'q', body: '"due"', delayMs: 30 });
    isShut = true;
    const others = [1, 60, 90].map((delayMs) => ({ queue: 'q', body: `"${delayMs}"`, delayMs }));
    const published = publisher.publishAllSoon(others);
    await rig.advance(40);
    gate.resolve();
    await rig.until(published);
    await rig.advance(100);
    expect(consumer.attempts().toSorted()).toEqual(['"1"×1', '"60"×1', '"90"×1', '"due"×1']);
  });

  it('comes once when it is given back with delays shorter than a commit takes', async () => {
    const rig = await BrokerRig.start({ limits: { readyMessagesMax: 2 } });
    const consumer = await rig.client('c');
    await consumer.subscribe({ queue: 'q', prefetch: 4 });
    for (let n = 1; n <= 20; n++) await consumer.publish({ queue: 'q', body: String(n), delayMs: n });
    await rig.advance(100);
    const holders = new Map<string, number>();
    for (let round = 0; round < 40; round++) {
      const taken = consumer.take();
      for (const { message, attempt } of taken) {
        expect(attempt).toBe((holders.get(message.body) ?? 0) + 1);
        holders.set(message.body, attempt);
      }
      await consumer.nack(taken, round % 3);
      await rig.advance(1);
    }
    const seen: string[] = [];
    for (let taken = consumer.take(); seen.length < 20; taken = consumer.take()) {
      seen.push(...taken.map(({ message }) => message.body));
      if (taken.length > 0) await consumer.ack(...taken);
      else await rig.advance(5);
    }
    expect(new Set(seen).size).toBe(20);
  });
});
