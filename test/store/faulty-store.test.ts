import { expect, it } from 'vitest';
import { MemoryDisk } from '../../src/store/memory/memory-disk.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { FaultyStore } from '../support/faulty-store.ts';
import { create } from './changes.ts';

const queuesOn = (disk: MemoryDisk): number[] => [...disk.queues.keys()];

/** All that microtasks can bring about has happened. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

async function answered(call: Promise<unknown>): Promise<boolean> {
  let answer = false;
  call.then(
    () => (answer = true),
    () => (answer = true),
  );
  await settled();
  return answer;
}

it('passes everything on when it was told of no fault', async () => {
  const store = new FaultyStore(new MemoryStore());
  await store.commit([create(1)]);
  expect(await store.find('default', 'queue-1')).toMatchObject({ id: 1 });
  expect(await store.recover()).toEqual({ seq: 1, queue: 2 });
  expect(store.commits).toBe(1);
});

it('fails at the commit that was named, and ever after', async () => {
  const disk = new MemoryDisk();
  const store = new FaultyStore(new MemoryStore(disk), { failAtCommit: 2 });
  await store.commit([create(1)]);
  await expect(store.commit([create(2)])).rejects.toThrow('commit 2 failed');
  await expect(store.find('default', 'queue-1')).rejects.toThrow('commit 2 failed');
  expect(queuesOn(disk)).toEqual([1]);
});

it('falls silent at the commit that was named, which is on disk or not as was asked', async () => {
  for (const crashAfterWrite of [false, true]) {
    const disk = new MemoryDisk();
    const store = new FaultyStore(new MemoryStore(disk), { crashAtCommit: 2, crashAfterWrite });
    await store.commit([create(1)]);
    expect(await answered(store.commit([create(2)]))).toBe(false);
    expect(await answered(store.find('default', 'queue-1'))).toBe(false);
    expect(queuesOn(disk)).toEqual(crashAfterWrite ? [1, 2] : [1]);
  }
});

it('holds answers back for as long as it is told to, and keeps their order', async () => {
  const answers: string[] = [];
  const gate = Promise.withResolvers<void>();
  const store = new FaultyStore(new MemoryStore(), { delay: async (call) => (call === 'commit' ? gate.promise : undefined) });
  const calls = [
    store.commit([create(1)]).then(() => answers.push('commit')),
    store.recover().then(() => answers.push('recover')),
  ];
  await settled();
  expect(answers).toEqual([]);
  gate.resolve();
  await Promise.all(calls);
  expect(answers).toEqual(['commit', 'recover']);
});

it('leaves the calls of a store whose disk another one took over without effect or answer', async () => {
  const disk = new MemoryDisk();
  const before = new MemoryStore(disk);
  const late = before.commit([create(1)]);
  const after = new MemoryStore(disk);
  expect(await answered(late)).toBe(false);
  expect(await after.find('default', 'queue-1')).toBeUndefined();
});
