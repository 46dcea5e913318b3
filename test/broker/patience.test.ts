import { describe, expect, it } from 'vitest';
import { BrokerRig, type RigClient } from '../support/broker-rig.ts';
import { FaultyStore } from '../support/faulty-store.ts';

/** A consumer that holds messages 1 to `count` of `q`, and how often was committed since. */
async function holding(count: number): Promise<{ rig: BrokerRig; consumer: RigClient; commits: () => number }> {
  const stores: FaultyStore[] = [];
  const wrap = (inner: ConstructorParameters<typeof FaultyStore>[0]): FaultyStore => {
    const store = new FaultyStore(inner);
    stores.push(store);
    return store;
  };
  const rig = await BrokerRig.start({ wrap });
  const consumer = await rig.client('c');
  await consumer.subscribe({ queue: 'q', prefetch: 1000 });
  await consumer.publishNumbers('q', 1, count);
  const total = (): number => stores.reduce((sum, { commits }) => sum + commits, 0);
  const before = total();
  return { rig, consumer, commits: () => total() - before };
}

/** Acknowledges all that it holds, one by one. */
function ackEach(consumer: RigClient, awaited: boolean): void {
  for (const { queue, message } of consumer.take()) consumer.session.ack({ ids: [message.id], queue }, () => undefined, awaited);
}

describe('an ack that nobody awaits', () => {
  it('is committed with the next change that somebody does', async () => {
    const { rig, consumer, commits } = await holding(3);
    ackEach(consumer, false);
    await rig.settle();
    expect(commits()).toBe(0);
    await consumer.publish({ queue: 'other' });
    // the queue is made, and then there is a message in it
    expect(commits()).toBeLessThanOrEqual(2);
    await rig.startAgain();
    expect(await (await rig.client('c')).subscribe({ queue: 'q' })).toMatchObject({ waiting: 0 });
  });

  it('is committed some ms later when nothing else comes', async () => {
    const { rig, consumer, commits } = await holding(3);
    ackEach(consumer, false);
    await rig.advance(10);
    expect(commits()).toBe(1);
    await rig.startAgain();
    expect(await (await rig.client('c')).subscribe({ queue: 'q' })).toMatchObject({ waiting: 0 });
  });

  it('is committed at once where there are many', async () => {
    const { rig, consumer, commits } = await holding(300);
    ackEach(consumer, false);
    await rig.settle();
    expect(commits()).toBeGreaterThanOrEqual(1);
  });

  it('gives its place to the next message before that', async () => {
    const { rig, consumer, commits } = await holding(1);
    await consumer.subscribe({ queue: 'q', prefetch: 1 });
    await consumer.publishNumbers('q', 2, 2);
    const before = commits();
    ackEach(consumer, false);
    await rig.settle();
    expect(consumer.bodies()).toEqual(['2']);
    expect(commits()).toBe(before);
  });

  it('is durable when the broker has stopped', async () => {
    const { rig, consumer } = await holding(3);
    ackEach(consumer, false);
    await rig.restart();
    expect(await (await rig.client('c')).subscribe({ queue: 'q' })).toMatchObject({ waiting: 0 });
  });
});

it('an ack that somebody awaits is committed in its turn', async () => {
  const { rig, consumer, commits } = await holding(3);
  ackEach(consumer, true);
  await rig.settle();
  expect(commits()).toBe(1);
});
