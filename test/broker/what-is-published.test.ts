/** What a publish is taken to mean: what its messages carry, where they go, what makes one a duplicate, and what it is told. */
import { describe, expect, it } from 'vitest';
import type { Published } from '../../src/broker/broker.ts';
import type { MessageAttributes, QueueRecord } from '../../src/store/store.ts';
import { BrokerRig, type Message, type RigClient, request } from '../support/broker-rig.ts';
import { FaultyStore } from '../support/faulty-store.ts';

const ID = '0194a1b0-6a5e-7c3e-9d5e-5f1d2c3b4a59';

/** What arrives from `publisher`; also what is published to the topic `t` does. */
async function attributesOf(rig: BrokerRig, publisher: RigClient, message: Message): Promise<MessageAttributes | undefined> {
  const consumer = await rig.client('receiver');
  await consumer.bind('q', 't');
  await consumer.subscribe({ queue: 'q' });
  await publisher.publish(message);
  return consumer.take().at(-1)?.message.attributes;
}

describe('what a message carries', () => {
  it('is any one thing by itself, and nothing that was not given', async () => {
    const rig = await BrokerRig.start();
    const anonymous = await rig.client();
    const alone: MessageAttributes[] = [{ binary: true }, { headers: '{"a":"1"}' }, { replyTo: '@c' }, { correlation: '"1"' }];
    for (const attributes of alone) {
      expect(await attributesOf(rig, anonymous, { queue: 'q', ...attributes })).toStrictEqual(attributes);
    }
    expect(await attributesOf(rig, anonymous, { topic: 't' })).toStrictEqual({ topic: 't' });
    expect(await attributesOf(rig, await rig.client('c'), { queue: 'q' })).toStrictEqual({ from: 'c' });
  });

  it('is all of it at once', async () => {
    const rig = await BrokerRig.start();
    const given = { headers: '{"a":"1"}', replyTo: '@c', correlation: '"1"' };
    const attributes = await attributesOf(rig, await rig.client('c'), { topic: 't', binary: true, ...given });
    expect(attributes).toStrictEqual({ binary: true, topic: 't', from: 'c', ...given });
  });

  it('is nothing at all when nothing was given', async () => {
    const rig = await BrokerRig.start();
    expect(await attributesOf(rig, await rig.client(), { queue: 'q' })).toBeUndefined();
  });

  it('is the first of its topics, also when another one led there', async () => {
    const rig = await BrokerRig.start();
    expect(await attributesOf(rig, await rig.client(), { topics: ['s', 't'] })).toStrictEqual({ topic: 's' });
  });
});

describe('a message to several topics', () => {
  it('goes to the queues of all of them, whichever are known already', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('c');
    await client.bind('one', 'a');
    for (const topic of ['b', 'c']) await client.bind('two', topic);
    const reach = async (...topics: string[]): Promise<number> => (await client.publish({ topics })).queues;
    expect(await reach('a')).toBe(1);
    expect(await reach('a', 'b')).toBe(2);
    expect(await reach('c', 'a')).toBe(2);
    expect(await reach('b', 'c')).toBe(1);
    expect(await reach('a', 'b', 'c')).toBe(2);
  });

  it('leaves out the sender’s own inbox with exceptSelf', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('c');
    await client.subscribe({ topic: 'a' });
    await client.bind('q', 'b');
    const topics = ['a', 'b'];
    expect((await client.publish({ topics })).queues).toBe(2);
    expect((await client.publish({ topics, exceptSelf: true })).queues).toBe(1);
  });

  it('goes nowhere when there are none', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('c');
    await client.bind('q', '#');
    expect((await client.publish({ topics: [] })).queues).toBe(0);
  });
});

it('exceptSelf leaves nothing out for a client that has no inbox', async () => {
  const rig = await BrokerRig.start();
  const anonymous = await rig.client();
  await anonymous.bind('q', 't');
  for (let n = 0; n < 2; n++) expect((await anonymous.publish({ topic: 't', exceptSelf: true })).queues).toBe(1);
});

it('what goes only where the broker knows the way is taken in at once, anything else when the way was found', async () => {
  const rig = await BrokerRig.start();
  const client = await rig.client('c');
  await client.publishAll([{ queue: 'q' }, { topic: 't' }]);
  const publish = (...messages: Message[]) => client.session.publish(messages.map(request), () => undefined);
  expect(publish({ queue: 'q' }, { topic: 't' })).toBeUndefined();
  const waits = [publish({ queue: 'q' }, { topic: 'u' }), publish({ queue: 'r' }, { queue: 'q' })];
  for (const wait of waits) expect(wait).toBeInstanceOf(Promise);
  for (const wait of waits) await rig.until(wait ?? Promise.resolve());
});

describe('an inbox of somebody else', () => {
  it('is found when it is on disk only', async () => {
    const rig = await BrokerRig.start();
    await rig.client('alice');
    await rig.restart();
    const bob = await rig.client('bob');
    expect(await bob.publish({ queue: '@alice', body: '1' })).toMatchObject({ queues: 1 });
    const alice = await rig.client('alice');
    await alice.subscribe();
    expect(alice.bodies()).toEqual(['1']);
  });

  it('that is not there is named, with its client', async () => {
    const rig = await BrokerRig.start();
    const bob = await rig.client('bob');
    await expect(bob.publish({ queue: '@alice' })).rejects.toMatchObject({
      code: 'not_found',
      message: 'there is no inbox @alice: it is made when the client alice connects for the first time',
    });
  });
});

describe('an id', () => {
  it('that was published with something else is named', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('c');
    await client.publish({ queue: 'q', id: ID, body: '1' });
    const messages = [
      { queue: 'q', body: '2' },
      { queue: 'q', id: ID, body: '2' },
    ];
    await expect(client.publishAll(messages)).rejects.toMatchObject({
      code: 'conflict',
      message: `id ${ID} was published before with another body, other headers or another destination`,
    });
  });

  it('belongs to the topics that it was published to, in their order', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('c');
    const message = { id: ID, topics: ['a', 'b'] };
    await client.publish(message);
    expect(await client.publish(message)).toMatchObject({ duplicate: true });
    for (const topics of [['a'], ['b', 'a'], ['ab'], ['a', 'b', 'c']]) {
      await expect(client.publish({ id: ID, topics })).rejects.toMatchObject({ code: 'conflict' });
    }
    for (const queue of ['a', 'undefined']) {
      await expect(client.publish({ id: ID, queue })).rejects.toMatchObject({ code: 'conflict' });
    }
  });

  it('is remembered only if the publisher gave it', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('c');
    await client.publish({ queue: 'q' });
    expect(rig.disk.remembered.size).toBe(0);
    await client.publish({ queue: 'q', id: ID });
    expect(rig.disk.remembered.size).toBe(1);
  });

  it('is not remembered where the broker looks for no duplicates', async () => {
    const rig = await BrokerRig.start({ dedupWindowMs: 0 });
    const client = await rig.client('c');
    const both = await client.publishAll([
      { queue: 'q', id: ID },
      { queue: 'q', id: ID },
    ]);
    expect(both).toEqual(Array.from({ length: 2 }, () => ({ id: ID, queues: 1, duplicate: false })));
    expect(rig.disk.remembered.size).toBe(0);
    expect(await client.subscribe({ queue: 'q' })).toMatchObject({ waiting: 2 });
  });
});

it('a publish that finds the disk nearly full is told what to do', async () => {
  const rig = await BrokerRig.start({ space: { isLow: true } });
  const client = await rig.client('c');
  await expect(client.publish({ queue: 'q' })).rejects.toMatchObject({
    code: 'disk_full',
    message: 'the disk is nearly full: publish again when there is room, or free some',
  });
});

it('a fault of the broker itself is not told to the publisher as if it were his', async () => {
  class BrokenStore extends FaultyStore {
    override find(namespace: string, name: string): Promise<QueueRecord | undefined> {
      if (name === 'q') throw new TypeError('a mistake in the code');
      return super.find(namespace, name);
    }
  }
  const rig = await BrokerRig.start({ wrap: (store) => new BrokenStore(store) });
  const client = await rig.client('c');
  const replies: (Error | readonly Published[])[] = [];
  const wait = client.session.publish([request({ queue: 'q' })], (reply) => replies.push(reply));
  await expect(wait).rejects.toThrow('a mistake in the code');
  expect(replies).toEqual([]);
});
