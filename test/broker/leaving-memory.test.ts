/** When a queue leaves memory, when it stays, and what those see who use it while it is leaving. */
import { describe, expect, it } from 'vitest';
import { AnswerGate } from '../support/answer-gate.ts';
import { BrokerRig, LEASE_MS, type RigClient } from '../support/broker-rig.ts';

const IDLE_MS = 1000;

async function gatedRig(): Promise<{ gate: AnswerGate; rig: BrokerRig }> {
  const gate = new AnswerGate();
  return { gate, rig: await BrokerRig.start({ wrap: gate.wrap, idleUnloadMs: IDLE_MS }) };
}

/** Message `1` of the queue was delivered, and is gone. */
async function consumed(client: RigClient, queue: string): Promise<void> {
  await client.publishNumbers(queue, 1, 1);
  await client.subscribe({ queue });
  await client.ack(...client.take());
  await client.unsubscribe(queue);
}

/** A queue is leaving: that nothing of it can have been delivered any more is being written, and not yet durable. */
async function leaving() {
  const { gate, rig } = await gatedRig();
  const client = await rig.client('c');
  await consumed(client, 'q');
  gate.shut('commit');
  await rig.advance(2 * IDLE_MS);
  gate.found.length = 0;
  return { gate, rig, client };
}

describe('a queue', () => {
  it('leaves memory when it was idle for long, whether or not something of it was delivered', async () => {
    const { gate, rig } = await gatedRig();
    const client = await rig.client('c');
    await client.publish({ queue: 'never', body: '1' });
    await consumed(client, 'once');
    await rig.advance(2 * IDLE_MS);
    gate.found.length = 0;
    for (const queue of ['never', 'once']) await client.publish({ queue, body: '2' });
    expect(gate.found).toEqual(['never', 'once']);
  });

  it('stays while it is published to by its name', async () => {
    const { gate, rig } = await gatedRig();
    const client = await rig.client('c');
    for (let n = 0; n < 10; n++) {
      await client.publish({ queue: 'q' });
      await rig.advance(IDLE_MS / 2);
    }
    expect(gate.found.filter((name) => name === 'q')).toHaveLength(1);
  });

  it('stays for a consumer, while something is kept for another client', async () => {
    const { rig } = await gatedRig();
    const owner = await rig.client('owner', { graceMs: 10 * IDLE_MS });
    const other = await rig.client('other');
    await owner.subscribe({ queue: 'q' });
    await owner.publishNumbers('q', 1, 1);
    await other.subscribe({ queue: 'q' });
    await owner.end();
    await rig.advance(4 * IDLE_MS);
    await other.publishNumbers('q', 2, 2);
    expect(other.attempts()).toEqual(['2×1']);
  });

  it.each(['ack', 'nack'] as const)(
    'whose messages are held does not pretend that none was delivered while the %s of others is written',
    async (verb) => {
      const { gate, rig } = await gatedRig();
      const consumer = await rig.client('c');
      await consumer.subscribe({ queue: 'q' });
      await consumer.publishNumbers('q', 1, 3);
      const held = { ids: consumer.take().map(({ message }) => message.id), queue: 'q' };
      const two = { ...held, ids: held.ids.slice(0, 2) };
      gate.shut('commit');
      if (verb === 'ack') consumer.session.ack(two, () => undefined);
      else for (const id of two.ids) consumer.session.nack({ ...two, ids: [id] }, LEASE_MS, () => undefined);
      await rig.advance(3 * IDLE_MS);
      gate.open('commit');
      await rig.settle();
      await rig.startAgain();
      const again = await rig.client('c');
      await again.subscribe({ queue: 'q' });
      expect(again.attempts()).toEqual(['3×2']);
    },
  );
});

describe('a queue that is leaving memory', () => {
  it('has left it as soon as that is durable', async () => {
    const { gate, rig, client } = await leaving();
    gate.open('commit');
    await rig.settle();
    await client.publish({ queue: 'q', body: '2' });
    expect(gate.found).toEqual(['q']);
  });

  it('stays when it is published to', async () => {
    const { gate, rig, client } = await leaving();
    const published = client.publishAllSoon([{ queue: 'q', body: '2' }]);
    gate.open('commit');
    await rig.until(published);
    await client.publish({ queue: 'q', body: '3' });
    expect(gate.found).toEqual([]);
  });

  it('stays when it is subscribed to', async () => {
    const { gate, rig, client } = await leaving();
    await client.subscribe({ queue: 'q' });
    gate.open('commit');
    await rig.settle();
    await client.publishNumbers('q', 2, 3);
    expect(client.attempts()).toEqual(['2×1', '3×1']);
    expect(gate.found).toEqual([]);
  });

  it('leaves later when it was used in the meantime', async () => {
    const { gate, rig, client } = await leaving();
    void client.publishAllSoon([{ queue: 'q', body: '2' }]);
    gate.open('commit');
    await rig.advance(3 * IDLE_MS);
    await client.publish({ queue: 'q', body: '3' });
    expect(gate.found).toEqual(['q']);
  });
});

describe('a queue without consumers', () => {
  it('keeps no bodies: the next consumer has them read again', async () => {
    const { gate, rig } = await gatedRig();
    const client = await rig.client('c');
    await client.publishNumbers('q', 1, 3);
    const freshReads = () => gate.reads.filter((kind) => kind === 'after').length;
    await client.subscribe({ queue: 'q', prefetch: 1 });
    expect(freshReads()).toBe(1);
    await client.unsubscribe('q');
    await client.subscribe({ queue: 'q' });
    expect(freshReads()).toBe(2);
    expect(client.attempts()).toEqual(['1×1', '2×1', '3×1']);
  });
});

it('a subscription to a queue that was found waits for nothing that is being written', async () => {
  const { gate, rig } = await gatedRig();
  await (await rig.client('c')).publishNumbers('q', 1, 1);
  await rig.restart();
  const client = await rig.client('c');
  await client.publishNumbers('q', 2, 2);
  gate.shut('commit');
  void client.publishAllSoon([{ queue: 'q', body: '3' }]);
  expect(await client.subscribe({ queue: 'q' })).toEqual({ queue: 'q', waiting: 2 });
});
