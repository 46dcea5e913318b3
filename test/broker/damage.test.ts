import { expect, it } from 'vitest';
import type { BoundQueue, QueueRecord, ReadLimits, ReadResult, Selection, Store } from '../../src/store/store.ts';
import { BrokerRig } from '../support/broker-rig.ts';

/** Can't read some messages any more, as when they rotted on the disk after they were delivered for the first time. */
class LossyStore implements Store {
  readonly recover: Store['recover'];
  readonly commit: Store['commit'];
  readonly close: Store['close'];
  readonly #inner: Store;
  readonly #isLost: (id: string) => boolean;
  reads = 0;

  constructor(inner: Store, isLost: (id: string) => boolean) {
    this.#inner = inner;
    this.#isLost = isLost;
    this.recover = () => inner.recover();
    this.commit = (changes) => inner.commit(changes);
    this.close = () => inner.close();
  }

  find(namespace: string, name: string): Promise<QueueRecord | undefined> {
    return this.#inner.find(namespace, name);
  }

  match(namespace: string, topic: string): Promise<readonly BoundQueue[]> {
    return this.#inner.match(namespace, topic);
  }

  async read(queue: number, selection: Selection, limits: ReadLimits): Promise<ReadResult> {
    this.reads++;
    const { messages, more } = await this.#inner.read(queue, selection, { ...limits, messagesMax: Number.POSITIVE_INFINITY });
    const readable = messages.filter(({ message }) => !this.#isLost(message.id));
    return { messages: readable.slice(0, limits.messagesMax), more: more || readable.length >= limits.messagesMax };
  }
}

it.each([
  ['one of them', [3]],
  ['the first', [1]],
  ['the last', [5]],
  ['all', [1, 2, 3, 4, 5]],
])(
  'of messages that come back and can no longer be read (%s) the others are delivered, and the store is not asked for ever',
  async (_, numbers) => {
    const lost = new Set<string>();
    const stores: LossyStore[] = [];
    const rig = await BrokerRig.start({
      wrap: (inner) => {
        stores.push(new LossyStore(inner, (id) => lost.has(id)));
        return stores[0] ?? inner;
      },
    });
    const consumer = await rig.client('c');
    await consumer.subscribe({ queue: 'q' });
    await consumer.publishNumbers('q', 1, 5);
    const held = consumer.take();
    expect(held).toHaveLength(5);
    for (const number of numbers) lost.add(held[number - 1]?.message.id ?? '');
    await consumer.nack(held);
    expect(consumer.attempts()).toEqual(
      [1, 2, 3, 4, 5].filter((number) => !numbers.includes(number)).map((number) => `${number}×2`),
    );
    await consumer.publishNumbers('q', 6, 6);
    expect(consumer.attempts()).toEqual(['6×1']);
    expect(stores[0]?.reads).toBeLessThan(10);
  },
);
