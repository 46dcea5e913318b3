/** Namespaces, the queues in them that come and go, and the end of a broker. */
import { describe, expect, it } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { BrokerRig, FakeOutlet, IDLE_MS } from '../support/broker-rig.ts';
import { FaultyStore } from '../support/faulty-store.ts';

describe('a namespace', () => {
  it('shares neither queues nor topics nor clients with another one', async () => {
    const rig = await BrokerRig.start();
    const [here, there] = [await rig.client('c', { namespace: 'here' }), await rig.client('c', { namespace: 'there' })];
    for (const client of [here, there]) await client.subscribe({ topic: 't' });
    expect((await here.publish({ topic: 't', body: '1' })).queues).toBe(1);
    await here.publish({ queue: 'q', body: '2' });
    expect([here.bodies(), there.bodies(), there.outlet.over]).toEqual([['1'], [], false]);
    expect(await there.subscribe({ queue: 'q' })).toMatchObject({ waiting: 0 });
  });

  it('that nobody uses may be forgotten, and is found again as it was; one that somebody uses is not', async () => {
    const rig = await BrokerRig.start();
    const away = await rig.client('away', { namespace: 'unused' });
    await away.subscribe({ topic: 't' });
    await away.publishNumbers('q', 1, 2);
    await away.end();
    const there = await rig.client('there', { namespace: 'used' });
    await rig.advance(2 * IDLE_MS);
    for (let i = 0; i < 1100; i++) await (await rig.client(undefined, { namespace: `n${i}` })).end();
    const again = await rig.client('away', { namespace: 'unused' });
    expect(again.opened.resumed).toBe(true);
    expect((await again.publish({ topic: 't' })).queues).toBe(1);
    expect(await again.subscribe({ queue: 'q' })).toMatchObject({ waiting: 2 });
    await rig.client('there', { namespace: 'used' });
    expect(there.outlet.over).toBe(true);
  });
});

describe('the inbox of a client without a name', () => {
  it('goes with its connection, and its name is free again', async () => {
    const rig = await BrokerRig.start();
    const nameless = await rig.client();
    const inbox = nameless.opened.inbox.queue;
    expect(nameless.opened.resumed).toBe(false);
    await nameless.subscribe({ topic: 't' });
    const other = await rig.client('other');
    expect((await other.publish({ queue: inbox })).queues).toBe(1);
    await nameless.end();
    expect((await other.publish({ topic: 't' })).queues).toBe(0);
    await expect(other.publish({ queue: inbox })).rejects.toMatchObject({ code: 'not_found' });
    await rig.restart();
    expect((await (await rig.client('other')).publish({ topic: 't' })).queues).toBe(0);
  });

  it('is looked for only when it is gone from the disk', async () => {
    const gate = Promise.withResolvers<void>();
    let shut = false;
    const wrap = (store: Store) =>
      new FaultyStore(store, { delay: async (call) => (shut && call === 'commit' ? gate.promise : undefined) });
    const rig = await BrokerRig.start({ wrap });
    const nameless = await rig.client();
    const inbox = nameless.opened.inbox.queue;
    await nameless.subscribe();
    const other = await rig.client('other');
    shut = true;
    await nameless.end();
    const refused = other.publishAllSoon([{ queue: inbox }]).then(
      () => 'taken',
      (error: { readonly code: string }) => error.code,
    );
    await rig.settle();
    shut = false;
    gate.resolve();
    expect(await rig.until(refused)).toBe('not_found');
  });
});

describe('a queue that is new', () => {
  it('is on disk before a subscription to it is confirmed, and before the welcome of its client', async () => {
    let commits = 0;
    const wrap = (store: Store) =>
      new FaultyStore(store, {
        delay: (call) => {
          if (call === 'commit') commits++;
          return Promise.resolve();
        },
      });
    const rig = await BrokerRig.start({ wrap });
    const client = await rig.client('c');
    expect([client.opened.resumed, commits]).toEqual([false, 1]);
    await client.subscribe({ queue: 'q' });
    expect(commits).toBe(2);
    await client.unsubscribe('q');
    await client.subscribe({ queue: 'q' });
    expect(commits).toBe(2);
  });
});

describe('a broker that is closed', () => {
  it('lets nobody in any more, and ends those who are there', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('c');
    await client.publishNumbers('q', 1, 1);
    const closing = rig.broker.close();
    await expect(rig.broker.open({ namespace: 'default', client: 'd', graceMs: 0 }, new FakeOutlet())).rejects.toMatchObject({
      code: 'draining',
      message: 'the broker is shutting down; connect again',
    });
    await rig.until(closing);
    await rig.startAgain();
    expect(await (await rig.client('c')).subscribe({ queue: 'q' })).toMatchObject({ waiting: 1 });
  });

  it('hands on that its store failed, once', async () => {
    const wrap = (store: Store) =>
      new FaultyStore(store, {
        delay: (call) => (call === 'find' ? Promise.reject(new Error('the disk is gone')) : Promise.resolve()),
      });
    const rig = await BrokerRig.start({ wrap });
    void rig.broker.open({ namespace: 'default', client: 'c', graceMs: 0 }, new FakeOutlet());
    void rig.broker.open({ namespace: 'default', client: 'd', graceMs: 0 }, new FakeOutlet());
    await rig.settle();
    expect(rig.failures).toEqual([new Error('the disk is gone')]);
  });
});
