/** Who gets the next message of a queue, and when: consumers in turn, and what comes back before what is newer. */
import { describe, expect, it } from 'vitest';
import { AnswerGate } from '../support/answer-gate.ts';
import { BrokerRig, type RigClient } from '../support/broker-rig.ts';

async function sharing(prefetch = 100) {
  const gate = new AnswerGate();
  const rig = await BrokerRig.start({ wrap: gate.wrap });
  const publisher = await rig.client();
  const [one, other] = [await rig.client('one'), await rig.client('other')];
  await one.subscribe({ queue: 'q', prefetch });
  await other.subscribe({ queue: 'q', prefetch });
  return { gate, rig, publisher, one, other };
}

/** Gives the held message of this body back; answered when the test lets the commit through. */
function nackSoon(client: RigClient, body: string, delayMs?: number): void {
  const ids = client.outlet.deliveries.filter(({ message }) => message.body === body).map(({ message }) => message.id);
  client.session.nack({ ids: ids.slice(-1), queue: undefined }, delayMs, () => undefined);
}

describe('consumers take turns', () => {
  it('however often one says that it can take more', async () => {
    const { rig, publisher, one, other } = await sharing();
    for (let n = 0; n < 5; n++) one.session.resume();
    await one.subscribe({ queue: 'q', prefetch: 50 });
    await rig.settle();
    await publisher.publishNumbers('q', 1, 10);
    expect([one.take().length, other.take().length]).toEqual([5, 5]);
  });

  it('however often one says so that was full', async () => {
    const { publisher, one, other } = await sharing(1);
    await publisher.publishNumbers('q', 1, 2);
    await one.subscribe({ queue: 'q', prefetch: 100 });
    for (let n = 0; n < 5; n++) one.session.resume();
    await other.subscribe({ queue: 'q', prefetch: 100 });
    await publisher.publishNumbers('q', 3, 12);
    expect([one.take().length, other.take().length]).toEqual([6, 6]);
  });

  it('also when one settles what it has at once, and the other does not', async () => {
    const { publisher, one, other } = await sharing();
    await publisher.publishNumbers('q', 1, 10);
    for (const delivery of one.take()) await one.ack(delivery);
    expect(other.take()).toHaveLength(5);
    await publisher.publishNumbers('q', 11, 20);
    expect([one.take().length, other.take().length]).toEqual([5, 5]);
  });

  it('also when one was full and settles several', async () => {
    const { publisher, one, other } = await sharing(3);
    await other.subscribe({ queue: 'q', prefetch: 100 });
    await publisher.publishNumbers('q', 1, 8);
    const held = one.take();
    expect([held.length, other.take().length]).toEqual([3, 5]);
    for (const delivery of held) await one.ack(delivery);
    await publisher.publishNumbers('q', 9, 12);
    expect([one.take().length, other.take().length]).toEqual([2, 2]);
  });
});

describe('a place that a nack makes free', () => {
  it('is taken by the next message before the nack is durable', async () => {
    const { gate, rig, publisher, one, other } = await sharing(1);
    await other.end();
    await publisher.publishNumbers('q', 1, 2);
    expect(one.bodies()).toEqual(['1']);
    gate.shut('commit');
    nackSoon(one, '1', 1000);
    await rig.settle();
    expect(one.bodies()).toEqual(['2']);
    gate.open('commit');
    await rig.settle();
    await one.ack(...one.outlet.deliveries.slice(-1));
    await rig.advance(1010);
    expect(one.attempts()).toEqual(['1×2']);
  });

  it('waits for what comes back at once if there is one consumer, who would see the order', async () => {
    const { gate, rig, publisher, one, other } = await sharing(1);
    await other.end();
    await publisher.publishNumbers('q', 1, 2);
    one.take();
    gate.shut('commit');
    nackSoon(one, '1', 0);
    await rig.settle();
    expect(one.attempts()).toEqual([]);
    gate.open('commit');
    await rig.settle();
    expect(one.attempts()).toEqual(['1×2']);
  });

  it('does not wait for it where there are several', async () => {
    const { gate, rig, publisher, one, other } = await sharing(1);
    await publisher.publishNumbers('q', 1, 3);
    const [first] = one.bodies();
    gate.shut('commit');
    nackSoon(one, first ?? '', 0);
    await rig.settle();
    expect(one.attempts()).toEqual(['3×1']);
    gate.open('commit');
    await rig.settle();
    await other.ack(...other.take());
    expect(other.attempts()).toEqual([`${first}×2`]);
  });

  it('is taken by what came back while something newer is on its way back', async () => {
    const { gate, rig, publisher, one, other } = await sharing();
    await other.end();
    await publisher.publishNumbers('q', 1, 2);
    one.take();
    gate.shut('read');
    nackSoon(one, '1');
    await rig.settle();
    gate.shut('commit');
    nackSoon(one, '2');
    await rig.settle();
    gate.open('read');
    await rig.settle();
    expect(one.attempts()).toEqual(['1×2']);
    gate.open('commit');
    await rig.settle();
    expect(one.attempts()).toEqual(['2×2']);
  });
});

describe('what a vanished client held', () => {
  it('is its own again when it subscribes before that it vanished is durable', async () => {
    const { gate, rig, other } = await sharing();
    const owner = await rig.client('owner', { graceMs: 10_000 });
    await owner.subscribe({ queue: 'kept' });
    await other.subscribe({ queue: 'kept', prefetch: 1 });
    await owner.publishNumbers('kept', 1, 3);
    expect([owner.bodies(), other.bodies()]).toEqual([['1', '3'], ['2']]);
    gate.shut('commit');
    owner.session.end();
    const again = await rig.client('owner');
    await again.subscribe({ queue: 'kept' });
    await other.subscribe({ queue: 'kept', prefetch: 100 });
    expect(again.take()).toEqual([]);
    gate.open('commit');
    await rig.settle();
    expect(again.attempts()).toEqual(['1×2', '3×2']);
    expect(other.take()).toEqual([]);
  });

  it('goes with the inbox of a client with a made-up name, and others are answered', async () => {
    const { rig, publisher, one } = await sharing();
    await publisher.subscribe();
    await one.publish({ queue: `@${publisher.session.client}` });
    expect(publisher.take()).toHaveLength(1);
    publisher.session.end();
    expect(await rig.until(one.publishAllSoon([{ queue: 'q' }]))).toMatchObject([{ queues: 1 }]);
    await expect(one.publish({ queue: `@${publisher.session.client}` })).rejects.toMatchObject({ code: 'not_found' });
    expect(rig.failures).toEqual([]);
  });
});

describe('the count of what waits', () => {
  it('leaves out what is held, and what is settled and not yet durable', async () => {
    const { gate, publisher, one, other } = await sharing(3);
    await other.unsubscribe('q');
    await publisher.publishNumbers('q', 1, 7);
    const [first] = one.take();
    gate.shut('commit');
    one.session.ack({ ids: [first?.message.id ?? ''], queue: 'q' }, () => undefined);
    expect(await other.subscribe({ queue: 'q' })).toEqual({ queue: 'q', waiting: 3 });
  });
});
