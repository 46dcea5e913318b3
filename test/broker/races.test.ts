/** Things that meet at the worst moment: each is tried at every moment that there is. */
import { expect, it } from 'vitest';
import { BrokerRig, IDLE_MS, type RigOptions } from '../support/broker-rig.ts';
import { BurstStore } from '../support/burst-store.ts';
import { FaultyStore } from '../support/faulty-store.ts';

const MOMENTS = 25;

/** Whose store takes so many turns to answer. */
async function slowRig(turns: number, limits: RigOptions['limits'] = {}): Promise<BrokerRig> {
  const holder: { rig?: BrokerRig } = {};
  const delay = async (): Promise<void> => holder.rig?.turns(turns);
  holder.rig = await BrokerRig.start({ limits, wrap: (store) => new FaultyStore(store, { delay }) });
  return holder.rig;
}

it('a consumer that ends and another that comes while the backlog is read get everything, in order', async () => {
  for (let moment = 0; moment < MOMENTS; moment++) {
    const rig = await slowRig(5, { readyMessagesMax: 4 });
    const [first, second] = [await rig.client('first'), await rig.client('second')];
    await first.publishNumbers('q', 1, 12);
    void first.session.subscribe({ queue: 'q', topic: undefined, prefetch: 3, autoAck: false });
    while (first.outlet.deliveries.length === 0) await rig.clock.turn();
    for (let i = 0; i < moment % 5; i++) await rig.clock.turn();
    first.session.end();
    for (let i = 0; i < moment / 5; i++) await Promise.resolve();
    await second.subscribe({ queue: 'q' });
    expect(second.attempts()).toEqual(['1×2', '2×2', '3×2', ...Array.from({ length: 9 }, (_, i) => `${i + 4}×1`)]);
  }
});

it('a queue counts what waits in it rightly when it is looked up while messages for it are written', async () => {
  for (let moment = 0; moment < MOMENTS; moment++) {
    const holder: { rig?: BrokerRig } = {};
    const pause = async (): Promise<void> => holder.rig?.turns(3);
    const rig = await BrokerRig.start({ wrap: (store) => new BurstStore(store, pause) });
    holder.rig = rig;
    const client = await rig.client('c');
    await client.bind('q', 't');
    await client.publish({ topic: 't' });
    await rig.advance(3 * IDLE_MS);
    const published: Promise<unknown>[] = [client.publishAllSoon([{ topic: 't' }])];
    for (let i = 0; i < moment % 5; i++) await rig.clock.turn();
    const other = await rig.client('other');
    published.push(other.publishAllSoon([{ queue: 'q' }]), client.publishAllSoon([{ topic: 't' }]));
    for (let i = 0; i < moment / 5; i++) await rig.clock.turn();
    published.push(client.publishAllSoon([{ topic: 't' }]));
    await rig.until(Promise.all(published));
    expect(await client.subscribe({ queue: 'q' })).toMatchObject({ waiting: 5 });
    expect(client.take()).toHaveLength(5);
  }
});

it('a crash while a queue leaves memory and is used again never makes a second delivery look like a first', async () => {
  let delivered = 0;
  for (let moment = 0; moment < MOMENTS; moment++) {
    const rig = await slowRig(3);
    const first = await rig.client('first');
    await first.publishNumbers('q', 1, 2);
    await first.subscribe({ queue: 'q', prefetch: 1 });
    await first.unsubscribe('q');
    await first.ack(...first.take());
    const second = await rig.client('second');
    rig.clock.leap(2 * IDLE_MS);
    await rig.clock.turn();
    void second.session.subscribe({ queue: 'q', topic: undefined, prefetch: 1, autoAck: false });
    for (let i = 0; i < moment; i++) await rig.clock.turn();
    const wasDelivered = second.take().length > 0;
    await rig.startAgain();
    const third = await rig.client('third');
    await third.subscribe({ queue: 'q' });
    const [again] = third.take();
    if (!wasDelivered) continue;
    delivered++;
    expect(again?.attempt).toBeGreaterThan(1);
  }
  expect(delivered).toBeGreaterThan(3);
});

it('nothing is published to an inbox that is being removed while a route to it is looked up', async () => {
  for (let moment = 0; moment < MOMENTS; moment++) {
    const rig = await slowRig(2);
    const [anonymous, publisher] = [await rig.client(), await rig.client('p')];
    await anonymous.subscribe({ topic: 't' });
    const inbox = [...rig.disk.queues.values()].find(({ name }) => name === `@${anonymous.session.client}`)?.id ?? 0;
    const before = publisher.publishAllSoon([{ topic: 't' }]);
    for (let i = 0; i < moment; i++) await Promise.resolve();
    if (moment % 2 === 0) await rig.clock.turn();
    anonymous.session.end();
    const after = publisher.publishAllSoon([{ topic: 't' }]);
    await rig.until(Promise.all([before, after]));
    await rig.settle();
    expect((await after)[0]?.queues).toBe(0);
    expect(rig.disk.messages.get(inbox)?.size ?? 0).toBe(0);
  }
});

it('a message that is given back with a short delay while the disk is slow is not read a second time', async () => {
  for (let moment = 0; moment < MOMENTS; moment++) {
    const rig = await slowRig(2, { readyMessagesMax: 2 });
    const consumer = await rig.client('c');
    await consumer.subscribe({ queue: 'q', prefetch: 3 });
    for (let n = 1; n <= 12; n++) await consumer.publish({ queue: 'q', body: String(n), delayMs: 10 * n });
    await rig.advance(60);
    const seen = new Map<string, number>();
    const look = () => {
      const taken = consumer.take();
      for (const { message, attempt } of taken) {
        expect(attempt, `message ${message.body}`).toBe((seen.get(message.body) ?? 0) + 1);
        seen.set(message.body, attempt);
      }
      return taken;
    };
    const given = look();
    consumer.session.nack(
      { ids: given.map(({ message }) => message.id), queue: undefined },
      1 + (moment % 7) * 10,
      () => undefined,
    );
    for (let i = 0; i < moment / 7; i++) await rig.clock.turn();
    rig.clock.leap(200);
    const held: ReturnType<typeof look> = [];
    for (let i = 0; i < 40; i++) {
      await rig.advance(1);
      const taken = look();
      held.push(...taken);
      if (taken.length > 0) await consumer.ack(...taken);
    }
    expect(held.map(({ message }) => Number(message.body)).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 12 }, (_, i) => i + 1),
    );
  }
});
