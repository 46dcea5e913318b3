import { describe, expect, it } from 'vitest';
import { BrokerRig, IDLE_MS } from '../support/broker-rig.ts';

describe('a queue that nobody uses', () => {
  it('leaves memory, and is found again with all that is in it', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('c');
    await client.publishNumbers('q', 1, 3);
    await client.subscribe({ queue: 'q' });
    await client.nack(client.take().slice(0, 1));
    await client.ack(...client.take().slice(0, 1));
    await client.end();
    await rig.advance(3 * IDLE_MS);
    const again = await rig.client('c');
    expect(await again.subscribe({ queue: 'q' })).toMatchObject({ waiting: 2 });
    expect(again.attempts()).toEqual(['2×2', '3×2']);
  });

  it('loses nothing while publishes arrive, whenever it leaves', async () => {
    const rig = await BrokerRig.start({ limits: { queuesLoadedMax: 1 }, idleUnloadMs: 10 });
    const client = await rig.client('c');
    const published: Promise<unknown>[] = [];
    for (let n = 0; n < 200; n++) {
      published.push(client.publishAllSoon([{ queue: `q${n % 4}`, body: String(n) }]));
      if (n % 3 === 0) await Promise.resolve();
      if (n % 7 === 0) await rig.settle();
      if (n % 11 === 0) await rig.advance(20);
    }
    await rig.until(Promise.all(published));
    for (let q = 0; q < 4; q++) {
      expect(await client.subscribe({ queue: `q${q}` })).toMatchObject({ waiting: 50 });
      expect(client.attempts()).toEqual(Array.from({ length: 50 }, (_, i) => `${4 * i + q}×1`));
      await client.unsubscribe(`q${q}`);
    }
  });

  it('is not let go between being found and being consumed', async () => {
    const rig = await BrokerRig.start({ limits: { queuesLoadedMax: 1 } });
    const clients = await Promise.all(Array.from({ length: 10 }, (_, n) => rig.client(`c${n}`)));
    const subscribed = clients.map((client, n) =>
      client.session.subscribe({ queue: `q${n}`, topic: undefined, prefetch: 10, autoAck: false }),
    );
    await rig.until(Promise.all(subscribed));
    for (const [n, client] of clients.entries()) {
      await clients[0]?.publish({ queue: `q${n}`, body: String(n) });
      expect(client.bodies()).toEqual([String(n)]);
    }
  });

  it('counts what waits in it rightly when it is looked up while messages for it are being written', async () => {
    for (let turns = 0; turns < 10; turns++) {
      const rig = await BrokerRig.start();
      const client = await rig.client('c');
      await client.bind('q', 't');
      await client.publish({ topic: 't' });
      await rig.advance(3 * IDLE_MS);
      const published = client.publishAllSoon([{ topic: 't' }]);
      for (let i = 0; i < turns; i++) await Promise.resolve();
      const found = client.publishAllSoon([{ queue: 'q' }]);
      await rig.until(Promise.all([published, found]));
      expect(await client.subscribe({ queue: 'q' })).toMatchObject({ waiting: 3 });
      expect(client.take()).toHaveLength(3);
    }
  });
});

describe('settings of a queue', () => {
  it('that are changed by two at the same time are both in force', async () => {
    const rig = await BrokerRig.start();
    const [one, other] = [await rig.client('one'), await rig.client('other')];
    await one.declare('q', {});
    const both = [one.session.declare('q', { leaseMs: 5000 }), other.session.declare('q', { backoffMs: [7] })];
    await rig.until(Promise.all(both));
    expect(await one.declare('q', {})).toEqual({ leaseMs: 5000, backoffMs: [7] });
    await rig.startAgain();
    const again = await rig.client('one');
    expect(await again.declare('q', {})).toEqual({ leaseMs: 5000, backoffMs: [7] });
  });
});

describe('subscriptions', () => {
  it('have a limit, and a refused one binds nothing', async () => {
    const rig = await BrokerRig.start({ limits: { subscriptionsMax: 1 } });
    const client = await rig.client('c');
    await client.subscribe({ queue: 'q' });
    await client.subscribe({ queue: 'q', prefetch: 7 });
    await expect(client.subscribe({ topic: 't' })).rejects.toMatchObject({ code: 'too_large' });
    expect((await client.publish({ topic: 't' })).queues).toBe(0);
  });

  it('that are not there can not be ended', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('c');
    await expect(client.unsubscribe('q')).rejects.toMatchObject({ code: 'not_found' });
    await expect(client.unsubscribe()).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('a broker that closes', () => {
  it('answers what it was asked, and opens no session any more', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('c');
    await client.publish({ queue: 'q', body: '1' });
    const published = client.publishAllSoon([{ queue: 'q', body: '2' }]);
    const { broker } = rig;
    await rig.stop();
    expect(await published).toHaveLength(1);
    await expect(broker.open({ namespace: 'default', client: 'd', graceMs: 0 }, client.outlet)).rejects.toMatchObject({
      code: 'draining',
    });
    expect(rig.clock.wakesAt).toBeUndefined();
    await rig.startAgain();
    const again = await rig.client('c');
    await again.subscribe({ queue: 'q' });
    expect(again.attempts()).toEqual(['1×1', '2×1']);
  });
});
