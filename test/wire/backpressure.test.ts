import { expect, it, onTestFinished } from 'vitest';
import { FaultyStore } from '../support/faulty-store.ts';
import { failOnLeaks } from '../support/leak-check.ts';
import { LiveBroker } from '../support/live-broker.ts';
import { eventually } from '../support/raw-client.ts';

failOnLeaks();

const KIB = 1024;

it('does not read the socket of a publisher while too much is not written yet', async () => {
  const gate = Promise.withResolvers<void>();
  let shut = false;
  const broker = await LiveBroker.start({
    uncommittedBytesMax: 64 * KIB,
    wrap: (store) => new FaultyStore(store, { delay: async (call) => (shut && call === 'commit' ? gate.promise : undefined) }),
  });
  const publisher = await broker.connect('/?client=p');
  const other = await broker.connect('/?client=other');
  await publisher.ask({ type: 'publish', queue: 'q', body: 0 });
  await other.ask({ type: 'ping' });
  onTestFinished(() => gate.resolve());
  shut = true;
  const body = JSON.stringify('x'.repeat(16 * KIB));
  const count = 2000;
  for (let n = 0; n < count; n++) publisher.send(`{"type":"publish","ref":${n},"queue":"q","body":${body}}`);
  const before = process.memoryUsage().rss;
  // what the kernel and the client can't get rid of stays with the client
  await eventually(() => publisher.socket.bufferedAmount < count * 16 * KIB, 'something is sent');
  expect(await other.ask({ type: 'ping' })).toMatchObject({ type: 'pong' });
  expect(publisher.socket.bufferedAmount).toBeGreaterThan((count * 16 * KIB) / 2);
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * KIB * KIB);
  gate.resolve();
  shut = false;
  let answers = 0;
  while (answers < count) if ((await publisher.nextOf('ok'))['ref'] !== undefined) answers++;
  expect(answers).toBe(count);
});

it('keeps a publisher that it does not read, for longer than a client lets pings wait for their answers', async () => {
  const gate = Promise.withResolvers<void>();
  let shut = false;
  const broker = await LiveBroker.start({
    uncommittedBytesMax: 64 * KIB,
    server: { heartbeatMs: 10 },
    wrap: (store) => new FaultyStore(store, { delay: async (call) => (shut && call === 'commit' ? gate.promise : undefined) }),
  });
  const publisher = await broker.connect('/?client=p');
  await publisher.ask({ type: 'publish', queue: 'q', body: 0 });
  onTestFinished(() => gate.resolve());
  shut = true;
  const body = JSON.stringify('x'.repeat(256 * KIB));
  const count = 100;
  for (let n = 0; n < count; n++) publisher.send(`{"type":"publish","ref":${n},"queue":"q","body":${body}}`);
  let signs = 0;
  for (const kind of ['ping', 'pong'] as const) publisher.socket.on(kind, () => signs++);
  // ws ends a connection on which 60 answers to pings wait behind other things
  await eventually(() => signs > 100 || publisher.socket.readyState !== publisher.socket.OPEN, 'a hundred heartbeats');
  expect(publisher.socket.bufferedAmount).toBeGreaterThan(0);
  gate.resolve();
  shut = false;
  for (let answers = 0; answers < count; ) if ((await publisher.nextOf('ok'))['ref'] !== undefined) answers++;
  expect(publisher.socket.readyState).toBe(publisher.socket.OPEN);
});

it('gives a reader that never reads no more than outbound-max, and everything to the others', async () => {
  const broker = await LiveBroker.start({ server: { outboundBytesMax: 64 * KIB }, unackedMax: 1_000_000 });
  const [stalled, reader, publisher] = [
    await broker.connect('/?client=stalled'),
    await broker.connect('/?client=reader'),
    await broker.connect('/?client=publisher'),
  ];
  for (const client of [stalled, reader]) await client.ask({ type: 'subscribe', topic: 't', prefetch: 10_000, autoAck: true });
  stalled.socket.pause();
  const body = 'x'.repeat(16 * KIB);
  const count = 3000;
  for (let n = 0; n < count; n += 100) {
    const messages = Array.from({ length: 50 }, () => ({ topic: 't', body }));
    await publisher.ask({ type: 'publish', messages });
    await publisher.ask({ type: 'publish', messages });
    for (let got = 0; got < 100; got++) await reader.nextOf('message');
  }
  // 48 MB went by: most of what is for the stalled one is still in its inbox
  stalled.terminate();
  await eventually(() => broker.server.connections === 2, 'the stalled one is gone');
  const again = await broker.connect('/?client=stalled');
  const welcome = await again.next();
  expect(welcome['inbox']).toMatchObject({ unacked: 0 });
  const { waiting } = welcome['inbox'] as { waiting: number };
  expect(waiting).toBeGreaterThan(count / 3);
});

it('cuts a consumer off that takes nothing for two heartbeats, and keeps what it did not acknowledge', async () => {
  const broker = await LiveBroker.start({ server: { outboundBytesMax: 256 * KIB, heartbeatMs: 50 } });
  const stalled = await broker.connect('/?client=stalled');
  const publisher = await broker.connect('/?client=publisher');
  await stalled.ask({ type: 'subscribe', queue: 'q', prefetch: 10_000 });
  stalled.socket.pause();
  const body = 'x'.repeat(16 * KIB);
  const messages = Array.from({ length: 50 }, () => ({ queue: 'q', body }));
  for (let n = 0; n < 20; n++) await publisher.ask({ type: 'publish', messages });
  await eventually(() => broker.server.connections === 1, 'the slow consumer is gone');
  expect(await publisher.ask({ type: 'subscribe', queue: 'q', prefetch: 1 })).toMatchObject({ waiting: 1000 });
});

it('goes on with a consumer that stalls and reads again', async () => {
  const broker = await LiveBroker.start({ server: { outboundBytesMax: 64 * KIB } });
  const consumer = await broker.connect('/?client=c');
  const publisher = await broker.connect('/?client=p');
  await consumer.ask({ type: 'subscribe', queue: 'q', prefetch: 10_000, autoAck: true });
  consumer.socket.pause();
  const body = 'x'.repeat(16 * KIB);
  const messages = Array.from({ length: 50 }, () => ({ queue: 'q', body }));
  for (let n = 0; n < 10; n++) await publisher.ask({ type: 'publish', messages });
  consumer.socket.resume();
  for (let n = 0; n < 500; n++) expect((await consumer.nextOf('message'))['attempt']).toBe(1);
});

it('does not read a client that asks and never reads the answers', async () => {
  const broker = await LiveBroker.start({ server: { outboundBytesMax: 64 * KIB } });
  const client = await broker.connect('/?client=c');
  client.socket.pause();
  const ref = 'r'.repeat(64);
  const frames = `[${Array.from({ length: 1000 }, () => `{"type":"ping","ref":"${ref}"}`).join(',')}]`;
  const count = 400;
  for (let n = 0; n < count; n++) client.send(frames);
  const other = await broker.connect('/?client=other');
  for (let n = 0; n < 50; n++) expect(await other.ask({ type: 'ping' })).toMatchObject({ type: 'pong' });
  expect(client.socket.bufferedAmount).toBeGreaterThan((count * frames.length) / 4);
  client.socket.resume();
  for (let n = 0; n < count * 1000; n++) await client.nextOf('pong');
}, 60_000);
