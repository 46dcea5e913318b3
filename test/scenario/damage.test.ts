/** A broker whose disk has changed a stored message: it says so, delivers the others, and goes on. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BrokerProcess, cleanEnvironment, ENTRY } from '../support/broker-process.ts';
import { WireClient } from '../support/wire-client.ts';

let broker: BrokerProcess;
beforeEach(() => {
  broker = new BrokerProcess([], {});
});
afterEach(() => broker.dispose());

const check = (...flags: readonly string[]) =>
  spawnSync(process.execPath, [ENTRY, 'check', ...flags, '--data', broker.dataDir], {
    env: cleanEnvironment(),
    encoding: 'utf8',
  });

function rot(file: string, from: string, to: string): void {
  const path = join(broker.dataDir, file);
  const bytes = readFileSync(path);
  const at = bytes.indexOf(from);
  expect(at).toBeGreaterThan(0);
  bytes.write(to, at);
  writeFileSync(path, bytes);
}

it('reports a damaged message, never delivers it, and delivers what comes before and after', async () => {
  await broker.start();
  const publisher = await WireClient.connect(broker.url);
  for (const body of ['one', 'two', 'three']) await publisher.publish({ queue: 'q' }, body);
  await Promise.all(Array.from({ length: 20 }, (_, i) => publisher.publish({ queue: 'together' }, `part ${i}`)));
  await publisher.close();
  await broker.stop();
  rot('holdfast.db', '"two"', '"who"');
  rot('holdfast.db', '"part 7"', '"part 8"');
  const { status, stdout } = check();
  expect(status).toBe(1);
  expect(stdout).toMatch(/^message \d+ of queue \d+ is not what was stored: its checksum is wrong$/m);
  await broker.start();
  const consumer = await WireClient.connect(broker.url);
  await consumer.subscribe({ queue: 'q' });
  const taken = await consumer.take(2);
  expect(taken.map(({ body }) => body)).toEqual(['"one"', '"three"']);
  await consumer.ack(...taken);
  await consumer.subscribe({ queue: 'together' });
  await consumer.publish({ queue: 'together' }, 'after');
  const bodies: unknown[] = [];
  while (bodies.at(-1) !== '"after"') bodies.push((await consumer.next()).body);
  expect(new Set(bodies).size).toBe(bodies.length);
  expect(bodies).not.toContain('"part 7"');
  await consumer.close();
  expect(await broker.stop()).toBe(0);
  expect(broker.stderr.match(/"level":50,.*"queue":\d+,"seq":\d+,.*damaged on the disk, and not delivered/g)).toHaveLength(2);
});

it('does not start with a damaged log, says what to do, and starts when that is done', async () => {
  await broker.start();
  const publisher = await WireClient.connect(broker.url);
  // what the last three transactions hold could have been torn off by a crash
  for (const body of ['one', 'two', 'three', 'four', 'five', 'six']) await publisher.publish({ queue: 'q' }, body);
  await broker.kill9();
  rot('holdfast.db-wal', '"three"', '"threw"');
  await expect(broker.start()).rejects.toThrow(/holdfast\.db-wal is damaged \(frame \d+\).*holdfast check --repair/);
  expect(check().stdout).toContain('is damaged (frame');
  const { status, stdout } = check('--repair');
  expect(status).toBe(0);
  expect(stdout).toMatch(/cut off after \d+ bytes; the whole of it is kept as /);
  await broker.start();
  const consumer = await WireClient.connect(broker.url);
  await consumer.subscribe({ queue: 'q' });
  expect((await consumer.take(2)).map(({ body }) => body)).toEqual(['"one"', '"two"']);
  await consumer.close();
});
