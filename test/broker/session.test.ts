/** What one connection may do and holds, and what it is told when it may not. */
import { describe, expect, it } from 'vitest';
import type { Delivery } from '../../src/broker/broker.ts';
import { BrokerError } from '../../src/broker/errors.ts';
import { BrokerRig, type RigClient } from '../support/broker-rig.ts';

const refusal = (code: string, message: string) => ({ code, message });

describe('a verb that is refused says why', () => {
  it('when the inbox is another client’s, whether or not there is one', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('ann');
    const forbidden = (verb: string) => refusal('forbidden', `only the client ben may ${verb} @ben; you are ann`);
    await expect(client.subscribe({ queue: '@ben' })).rejects.toMatchObject(forbidden('consume'));
    await expect(client.declare('@ben', {})).rejects.toMatchObject(forbidden('declare'));
    await expect(client.bind('@ben', 't')).rejects.toMatchObject(forbidden('bind'));
    await expect(client.unbind('@ben', 't')).rejects.toMatchObject(forbidden('unbind'));
  });

  it('when the connection is not subscribed', async () => {
    const rig = await BrokerRig.start();
    const [client, other] = [await rig.client('c'), await rig.client('d')];
    await other.subscribe({ queue: 'q' });
    const missing = (queue: string) => refusal('not_found', `this connection is not subscribed to ${queue}`);
    await expect(client.unsubscribe('q')).rejects.toMatchObject(missing('q'));
    await expect(client.unsubscribe('nowhere')).rejects.toMatchObject(missing('nowhere'));
    await expect(client.unsubscribe()).rejects.toMatchObject(missing('@c'));
    await client.subscribe({ queue: 'q' });
    await client.unsubscribe('q');
    await expect(client.unsubscribe('q')).rejects.toMatchObject(missing('q'));
  });

  it('when there are too many subscriptions, though one that it has may be changed', async () => {
    const rig = await BrokerRig.start({ limits: { subscriptionsMax: 2 } });
    const client = await rig.client('c');
    for (const queue of ['a', 'b', 'b']) await client.subscribe({ queue });
    await expect(client.subscribe({ queue: 'c' })).rejects.toMatchObject(
      refusal('too_large', 'a connection may have 2 subscriptions (subscriptions-max)'),
    );
    await client.unsubscribe('a');
    await client.subscribe({ queue: 'c' });
  });

  it('when a message is not in its hands, and changes nothing about the others', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('c');
    await client.publishNumbers('q', 1, 1);
    await client.subscribe({ queue: 'q' });
    const [delivery] = client.take();
    const id = delivery?.message.id ?? '';
    const refused = async (ids: readonly string[], queue?: string) => {
      const answers: unknown[] = [];
      client.session.ack({ ids, queue }, (answer) => answers.push(answer));
      client.session.nack({ ids, queue }, undefined, (answer) => answers.push(answer));
      client.session.extend({ ids, queue }, 1000, (answer) => answers.push(answer));
      await rig.settle();
      return answers.map((answer) => (answer instanceof BrokerError ? `${answer.code}: ${answer.message}` : answer));
    };
    const why = 'it was settled, given back, or its lease ran out';
    expect(await refused([id, 'x'])).toEqual(Array(3).fill(`not_held: this connection does not hold x: ${why}`));
    expect(await refused([id], 'r')).toEqual(Array(3).fill(`not_held: this connection does not hold ${id} from r: ${why}`));
    await rig.advance(59_000);
    expect(client.take()).toEqual([]);
    await rig.advance(2000);
    expect(client.attempts()).toEqual(['1×2']);
  });

  it('when its session ended before the queue was there', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('c');
    const subscribing = client.session.subscribe({ queue: 'q', topic: undefined, prefetch: 1, autoAck: false });
    client.session.end();
    await expect(rig.until(subscribing)).rejects.toMatchObject(refusal('unavailable', 'the session has ended'));
    const nameless = await rig.client();
    const own = nameless.session.subscribe({ queue: undefined, topic: 't', prefetch: 1, autoAck: false });
    nameless.session.end();
    await expect(rig.until(own)).rejects.toMatchObject(refusal('unavailable', 'the session has ended'));
    expect((await (await rig.client('d')).publish({ topic: 't' })).queues).toBe(0);
  });
});

describe('one message that a connection holds from several queues', () => {
  const QUEUES = ['one', 'two', 'three'];

  async function holding(): Promise<{ rig: BrokerRig; client: RigClient; id: string }> {
    const rig = await BrokerRig.start();
    const client = await rig.client('c');
    for (const queue of QUEUES) await client.bind(queue, 't');
    const { id } = await client.publish({ topic: 't', body: '1' });
    for (const queue of QUEUES) await client.subscribe({ queue });
    expect(client.take().map(({ queue }) => queue)).toEqual(QUEUES);
    return { rig, client, id };
  }

  const acknowledged = async (rig: BrokerRig, client: RigClient, id: string, queue?: string): Promise<unknown[]> => {
    const answers: unknown[] = [];
    client.session.ack({ ids: [id], queue }, (answer) => answers.push(answer instanceof BrokerError ? answer.code : answer));
    await rig.settle();
    return answers;
  };

  it.each([
    [['one', 'two', 'three']],
    [['two', 'one', 'three']],
    [['two', 'three', 'one']],
    [['three', 'two', 'one']],
    [['one', 'three', 'two']],
  ])('is settled queue by queue, in any order: %s', async (order) => {
    const { rig, client, id } = await holding();
    for (const queue of order) {
      expect(await acknowledged(rig, client, id, queue)).toEqual([1]);
      expect(await acknowledged(rig, client, id, queue)).toEqual(['not_held']);
    }
    expect(await acknowledged(rig, client, id)).toEqual(['not_held']);
  });

  it('is settled in all of them at once, and answered once', async () => {
    const { rig, client, id } = await holding();
    expect(await acknowledged(rig, client, id, 'two')).toEqual([1]);
    expect(await acknowledged(rig, client, id)).toEqual([2]);
  });

  it('is given back to all of them at once, and answered once', async () => {
    const { rig, client, id } = await holding();
    const answers: unknown[] = [];
    client.session.nack({ ids: [id], queue: undefined }, 1000, (answer) => answers.push(answer));
    await rig.settle();
    expect(answers).toEqual([3]);
    expect(await acknowledged(rig, client, id)).toEqual(['not_held']);
    await rig.advance(1010);
    expect(client.attempts()).toEqual(['1×2', '1×2', '1×2']);
  });
});

describe('what a connection holds', () => {
  it('counts against its limit over all queues, until it lets go of some', async () => {
    const rig = await BrokerRig.start({ limits: { unackedMax: 3 } });
    const client = await rig.client('c');
    for (const queue of ['a', 'b']) {
      await client.publishNumbers(queue, 1, 4);
      await client.subscribe({ queue });
    }
    const first = client.take();
    expect(first.map(({ queue, message }) => `${queue}${message.body}`)).toEqual(['a1', 'a2', 'a3']);
    await client.unsubscribe('a');
    await client.ack(...first.slice(0, 2));
    const second = client.take();
    expect(second.map(({ queue, message }) => `${queue}${message.body}`)).toEqual(['b1', 'b2']);
    await client.nack(second.slice(0, 1), 1000);
    expect(client.take().map(({ queue, message }) => `${queue}${message.body}`)).toEqual(['b3']);
  });

  it('goes back in the order of the queue, in whichever it had come', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('c', { graceMs: 0 });
    await client.publishNumbers('q', 1, 4);
    await client.subscribe({ queue: 'q' });
    const deliveries = client.take();
    await client.nack(deliveries.slice(1, 3), 100);
    await client.nack(deliveries.slice(0, 1), 200);
    await rig.advance(300);
    expect(client.attempts()).toEqual(['2×2', '3×2', '1×2']);
    const next = await rig.client('next');
    await next.subscribe({ queue: 'q', prefetch: 1 });
    await client.end();
    const seen: string[] = [];
    for (let taken = next.take(); taken.length > 0; taken = next.take()) {
      seen.push(...taken.map(({ message }: Delivery) => message.body));
      await next.ack(...taken);
    }
    expect(seen).toEqual(['1', '2', '3', '4']);
  });

  it('of its inbox is told to the connection that takes over, without what it holds of queues', async () => {
    const rig = await BrokerRig.start();
    const client = await rig.client('c', { graceMs: 10_000 });
    await client.publishNumbers('@c', 1, 3);
    await client.publishNumbers('q', 1, 2);
    await client.subscribe({ prefetch: 2 });
    await client.subscribe({ queue: 'q' });
    const newer = await rig.client('c', { graceMs: 10_000 });
    expect(newer.opened.inbox).toEqual({ queue: '@c', waiting: 3, unacked: 2 });
  });
});
