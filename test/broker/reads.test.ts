import { describe, expect, it } from 'vitest';
import type { ReadLimits, ReadResult, Selection, Store } from '../../src/store/store.ts';
import { BrokerRig } from '../support/broker-rig.ts';

/** Tells what was read: how many messages of each read, and how many reads were under way at a time. */
class Watched {
  readonly sizes: number[] = [];
  mostAtOnce = 0;
  /** No read is answered before this. */
  gate: Promise<void> | undefined;
  #underWay = 0;

  wrap(store: Store): Store {
    const read = async (queue: number, selection: Selection, limits: ReadLimits): Promise<ReadResult> => {
      this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#underWay);
      await this.gate;
      const result = await store.read(queue, selection, limits);
      this.#underWay--;
      if (selection.kind === 'after') this.sizes.push(result.messages.length);
      return result;
    };
    return {
      recover: () => store.recover(),
      commit: (changes) => store.commit(changes),
      find: (namespace, name) => store.find(namespace, name),
      match: (namespace, topic) => store.match(namespace, topic),
      read,
      close: () => store.close(),
    };
  }
}

async function watchedRig(): Promise<{ readonly rig: BrokerRig; readonly watched: Watched }> {
  const watched = new Watched();
  return { rig: await BrokerRig.start({ wrap: (store) => watched.wrap(store) }), watched };
}

describe('what is read of a long backlog', () => {
  it('is little more than a consumer takes that stops at its prefetch', async () => {
    const { rig, watched } = await watchedRig();
    const publisher = await rig.client();
    const stalled = await rig.client('c');
    await publisher.publishNumbers('q', 1, 900);
    await stalled.subscribe({ queue: 'q', prefetch: 100 });
    expect(stalled.take()).toHaveLength(100);
    expect(watched.sizes).toEqual([128]);
  });

  it('is more each time for one that takes all of it', async () => {
    const { rig, watched } = await watchedRig();
    const publisher = await rig.client();
    const consumer = await rig.client('c');
    await publisher.publishNumbers('q', 1, 900);
    await consumer.subscribe({ queue: 'q', prefetch: 1000 });
    expect(consumer.bodies()).toEqual(Array.from({ length: 900 }, (_, i) => String(i + 1)));
    expect(watched.sizes).toEqual([128, 256, 512, 4]);
  });

  it('is asked for in turn, so that commits do not wait behind the reads of all queues', async () => {
    const { rig, watched } = await watchedRig();
    const publisher = await rig.client();
    const consumer = await rig.client('c');
    const queues = Array.from({ length: 90 }, (_, n) => `q${n}`);
    for (const queue of queues) await publisher.publish({ queue, body: '1' });
    const gate = Promise.withResolvers<void>();
    watched.gate = gate.promise;
    const subscribed = queues.map((queue) =>
      consumer.session.subscribe({ queue, topic: undefined, prefetch: 10, autoAck: false }),
    );
    await rig.until(Promise.all(subscribed));
    await rig.settle();
    expect(consumer.take()).toEqual([]);
    gate.resolve();
    await rig.settle();
    expect(consumer.take()).toHaveLength(queues.length);
    expect(watched.mostAtOnce).toBe(32);
  });
});

it('a broker that closes while reads stand in line does not ask a closed store', async () => {
  const { rig } = await watchedRig();
  const consumer = await rig.client('c');
  for (let n = 0; n < 10; n++) {
    await consumer.publish({ queue: `q${n}`, body: '1' });
    void consumer.session.subscribe({ queue: `q${n}`, topic: undefined, prefetch: 10, autoAck: false }).catch(() => undefined);
  }
  await rig.stop();
  expect(rig.failures).toEqual([]);
});
