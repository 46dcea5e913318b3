import { describe, expect, it } from 'vitest';
import { BrokerRig } from '../support/broker-rig.ts';

describe('a message to a topic', () => {
  it('reaches every queue that is bound to a filter that matches, each once', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('c');
    await client.bind('exact', 'a.b');
    await client.bind('exact', 'a.*');
    await client.bind('all', '#');
    await client.bind('none', 'a.b.c');
    const published = await client.publish({ topic: 'a.b', body: '1' });
    expect(published.queues).toBe(2);
    for (const queue of ['exact', 'all', 'none']) await client.subscribe({ queue });
    expect(
      client
        .take()
        .map(({ queue }) => queue)
        .toSorted(),
    ).toEqual(['all', 'exact']);
  });

  it('published to several topics reaches a queue once', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('c');
    for (const topic of ['a', 'b']) await client.bind('q', topic);
    await client.bind('r', 'b');
    expect((await client.publish({ topics: ['a', 'b', 'c'] })).queues).toBe(2);
  });

  it('that nobody is bound to reaches no queue, and is accepted', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('c');
    expect(await client.publish({ topic: 'nowhere' })).toMatchObject({ queues: 0, duplicate: false });
  });

  it('leaves out the sender’s own inbox with exceptSelf, and no other queue of its', async () => {
    const rig = await BrokerRig.start();
    const [alice, bob] = [await rig.client('alice'), await rig.client('bob')];
    for (const member of [alice, bob]) await member.subscribe({ topic: 'room' });
    await alice.bind('log', 'room');
    expect((await alice.publish({ topic: 'room', exceptSelf: true })).queues).toBe(2);
    expect(alice.take()).toEqual([]);
    expect(bob.take().map(({ message }) => message.attributes)).toEqual([{ topic: 'room', from: 'alice' }]);
  });

  it('waits in the inbox of a client that is away', async () => {
    const rig = await BrokerRig.start();
    const [alice, bob] = [await rig.client('alice'), await rig.client('bob')];
    await alice.subscribe({ topic: 'room.*' });
    await alice.end();
    await bob.publish({ topic: 'room.lobby', body: '1' });
    await rig.startAgain();
    const again = await rig.client('alice');
    expect(again.opened).toMatchObject({ resumed: true, inbox: { queue: '@alice', waiting: 1, unacked: 0 } });
    await again.subscribe();
    expect(again.attempts()).toEqual(['1×1']);
  });

  it('goes where the bindings say after each change, also when the route is known already', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('c');
    const reach = async () => (await client.publish({ topic: 'a.b' })).queues;
    expect(await reach()).toBe(0);
    await client.bind('one', 'a.#');
    expect(await reach()).toBe(1);
    await client.bind('one', 'a.b');
    await client.bind('two', 'a.b');
    expect(await reach()).toBe(2);
    await client.unbind('one', 'a.#');
    expect(await reach()).toBe(2);
    await client.unbind('one', 'a.b');
    expect(await reach()).toBe(1);
    await client.unbind('two', 'not bound');
    expect(await reach()).toBe(1);
  });

  it('reaches a queue that was bound before it was published, while the route is being looked up', async () => {
    for (let turns = 0; turns < 8; turns++) {
      const rig = await BrokerRig.start();
      const client = await rig.client('c');
      const bound = client.session.bind('q', 't');
      for (let i = 0; i < turns; i++) await Promise.resolve();
      const first = client.publishAllSoon([{ topic: 't' }]);
      await rig.until(Promise.all([bound, first]));
      expect((await client.publish({ topic: 't' })).queues).toBe(1);
      await client.unbind('q', 't');
      expect((await client.publish({ topic: 't' })).queues).toBe(0);
    }
  });

  it('is routed rightly when more routes are in use than are remembered', async () => {
    const rig = await BrokerRig.start({ limits: { routesMax: 30 } });
    const client = await rig.client('c');
    for (let n = 0; n < 20; n++) await client.bind('q', `t.${n}`);
    await client.bind('all', 't.*');
    for (let round = 0; round < 3; round++)
      for (let n = 0; n < 20; n++) expect((await client.publish({ topic: `t.${n}` })).queues).toBe(2);
    await client.unbind('all', 't.*');
    for (let n = 0; n < 20; n++) expect((await client.publish({ topic: `t.${n}` })).queues).toBe(1);
  });

  it('does not leak into another namespace', async () => {
    const rig = await BrokerRig.start();
    const [here, there] = [await rig.client('c'), await rig.client('c', { namespace: 'other' })];
    await here.subscribe({ topic: '#' });
    await there.subscribe({ topic: '#' });
    expect((await there.publish({ topic: 't' })).queues).toBe(1);
    await there.publish({ queue: 'q', body: '1' });
    await here.subscribe({ queue: 'q' });
    expect(here.take()).toEqual([]);
    expect(there.take()).toHaveLength(1);
  });

  it('does not come any more after unsubscribe, whose inbox stays subscribed', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('c');
    await client.subscribe({ topic: 't' });
    await client.unsubscribe(undefined, 't');
    expect((await client.publish({ topic: 't' })).queues).toBe(0);
    await client.publish({ queue: '@c', body: '1' });
    expect(client.bodies()).toEqual(['1']);
  });
});

describe('the inbox of a client with a made-up name', () => {
  it('goes with its connection, and nothing is published to it from then on', async () => {
    const rig = await BrokerRig.start();
    const [anonymous, named] = [await rig.client(), await rig.client('named')];
    await anonymous.subscribe({ topic: 't' });
    expect((await named.publish({ topic: 't' })).queues).toBe(1);
    anonymous.session.end();
    const atOnce = named.publishAllSoon([{ topic: 't' }]);
    await rig.settle();
    expect((await atOnce)[0]?.queues).toBe(0);
    expect((await named.publish({ topic: 't' })).queues).toBe(0);
    const inbox = `@${anonymous.session.client}`;
    await expect(named.publish({ queue: inbox })).rejects.toMatchObject({ code: 'not_found' });
    expect([...rig.disk.queues.values()].map(({ name }) => name)).toEqual(['@named']);
    expect(rig.disk.messages.get(2)?.size ?? 0).toBe(0);
  });

  it('goes also when the connection ends while it is being made', async () => {
    for (let turns = 0; turns < 12; turns++) {
      const rig = await BrokerRig.start();
      const anonymous = await rig.client();
      const subscribed = anonymous.session.subscribe({ queue: undefined, topic: 't', prefetch: 1, autoAck: false });
      const outcome = subscribed.then(
        () => 'ok',
        (error: unknown) => error,
      );
      for (let i = 0; i < turns; i++) await Promise.resolve();
      anonymous.session.end();
      await rig.until(outcome);
      await rig.settle();
      expect(rig.disk.queues.size).toBe(0);
    }
  });

  it('does not outlive a crash of the broker', async () => {
    const rig = await BrokerRig.start();
    const anonymous = await rig.client();
    await anonymous.subscribe();
    await rig.startAgain();
    expect(rig.disk.queues.size).toBe(0);
  });

  it('shows no name to receivers', async () => {
    const rig = await BrokerRig.start();
    const anonymous = await rig.client();
    await anonymous.subscribe({ queue: 'q' });
    await anonymous.publish({ queue: 'q' });
    expect(anonymous.take()[0]?.message.attributes).toBeUndefined();
  });
});

describe('an inbox', () => {
  it('is consumed, bound and declared by its owner only', async () => {
    const rig = await BrokerRig.start();
    const [alice, bob] = [await rig.client('alice'), await rig.client('bob')];
    await bob.publish({ queue: '@alice', body: '1' });
    const refused = { code: 'forbidden' };
    for (const inbox of ['@alice', '@nobody']) {
      await expect(bob.subscribe({ queue: inbox })).rejects.toMatchObject(refused);
      await expect(bob.bind(inbox, '#')).rejects.toMatchObject(refused);
      await expect(bob.unbind(inbox, '#')).rejects.toMatchObject(refused);
      await expect(bob.declare(inbox, {})).rejects.toMatchObject(refused);
    }
    await alice.subscribe({ queue: '@alice' });
    expect(alice.bodies()).toEqual(['1']);
  });

  it('that was never made can not be published to', async () => {
    const rig = await BrokerRig.start();
    const alice = await rig.client('alice');
    await expect(alice.publish({ queue: '@bob' })).rejects.toMatchObject({ code: 'not_found' });
  });
});
