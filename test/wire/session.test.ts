import { expect, it } from 'vitest';
import { failOnLeaks } from '../support/leak-check.ts';
import { LiveBroker } from '../support/live-broker.ts';

failOnLeaks();

const LIMITS = '{"frame":1048576,<*>}';
const SERVER = '{"name":"holdfast","version":"0.0.0-test"}';

it('welcomes a client that the URL names as soon as it connects', async () => {
  const broker = await LiveBroker.start();
  await broker.transcript(`
    alice< {"type":"welcome","client":"alice","resumed":false,"inbox":{"queue":"@alice","waiting":0,"unacked":0},"lost":[],"limits":${LIMITS},"server":${SERVER}}
    > {"type":"publish","ref":1,"queue":"@alice","body":1}
    < {"type":"ok","ref":1,"id":"<id>","queues":1}
    again: /?client=alice
    again< {"type":"welcome","client":"alice","resumed":true,"inbox":{"queue":"@alice","waiting":1,"unacked":0},<*>}
    alice< close 4100
  `);
});

it('welcomes with hello, which may name the client, and refuses a second one', async () => {
  const broker = await LiveBroker.start();
  await broker.transcript(`
    > {"type":"hello","ref":"h","client":"bob","grace":1000}
    < {"type":"welcome","ref":"h","client":"bob","resumed":false,<*>}
    > {"type":"hello","ref":"again"}
    < {"type":"error","ref":"again","code":"conflict","message":"<*>","retryable":false}
    a: /?client=ann
    a< {"type":"welcome","client":"ann",<*>}
    a> {"type":"hello","ref":1,"client":"other"}
    a< {"type":"error","ref":1,"code":"conflict","message":"<*>","retryable":false}
  `);
});

it('opens with the first other frame, under a made-up name', async () => {
  const broker = await LiveBroker.start();
  const client = await broker.connect();
  client.send('{"type":"ping","ref":1}');
  const welcome = await client.next();
  expect(welcome).toMatchObject({ type: 'welcome', resumed: false });
  expect(welcome['client']).toMatch(/^anonymous-[0-9a-f-]{36}$/);
  expect(await client.next()).toEqual({ type: 'pong', ref: 1 });
});

it('tells a bad frame before the session is open what is wrong, and opens with the next', async () => {
  const broker = await LiveBroker.start();
  await broker.transcript(`
    > {"type":"hello","ref":1,"client":"-"}
    < {"type":"error","ref":1,"code":"bad_field","message":"client must be <*>","retryable":false}
    > {"type":"hello","ref":2,"client":"ok"}
    < {"type":"welcome","ref":2,"client":"ok",<*>}
  `);
});

it('delivers to the connection that takes over what the older one held', async () => {
  const broker = await LiveBroker.start();
  await broker.transcript(`
    > {"type":"publish","queue":"q","body":1}
    old: /?client=a
    old> {"type":"subscribe","queue":"q"}
    old< {"type":"message","queue":"q","id":"<id>","attempt":1,<*>}
    new: /?client=a
    old< close 4100
    new> {"type":"subscribe","queue":"q"}
    new< {"type":"message","queue":"q","id":"<id>","attempt":2,<*>}
  `);
});

it('keeps namespaces apart, clients as well as queues', async () => {
  const broker = await LiveBroker.start();
  await broker.transcript(`
    a: /?client=a
    b: /other?client=a
    a> {"type":"subscribe","ref":1,"queue":"q"}
    a< {"type":"ok","ref":1,"queue":"q","waiting":0}
    b> {"type":"publish","ref":1,"queue":"q","body":1}
    b< {"type":"ok","ref":1,"id":"<id>","queues":1}
    b> {"type":"subscribe","ref":2,"queue":"q"}
    b< {"type":"ok","ref":2,"queue":"q","waiting":1}
    b< {"type":"message","queue":"q","id":"<id>",<*>}
  `);
});

it('handles the frames of an array in order, each with its own answer', async () => {
  const broker = await LiveBroker.start();
  await broker.transcript(`
    > [{"type":"ping","ref":1}, {"type":"subscribe","ref":2,"queue":"q"},{"type":"nonsense","ref":3},{"type":"ping","ref":4}]
    < {"type":"pong","ref":1}
    < {"type":"ok","ref":2,"queue":"q","waiting":0}
    < {"type":"error","ref":3,"code":"unknown_type","message":"<*>","retryable":false}
    < {"type":"pong","ref":4}
    > []
    > [{"type":"ping","ref":5}]
    < {"type":"pong","ref":5}
  `);
});

it('sends arrays only to a client that asked for them', async () => {
  const broker = await LiveBroker.start();
  for (const path of ['/?client=a&arrays=1', '/']) {
    const client = await broker.connect(path);
    if (path === '/') client.send('{"type":"hello","client":"b","arrays":true}');
    expect(JSON.parse(String(await client.nextFrame()))).toMatchObject({ type: 'welcome' });
    client.send('[{"type":"ping","ref":1},{"type":"ping","ref":2}]');
    expect(await client.nextFrame()).toBe('[{"type":"pong","ref":1},{"type":"pong","ref":2}]');
    client.send('{"type":"ping","ref":3}');
    expect(await client.nextFrame()).toBe('{"type":"pong","ref":3}');
  }
});

it('keeps what a vanished client held for its grace', async () => {
  const broker = await LiveBroker.start();
  const owner = await broker.connect();
  await owner.ask({ type: 'hello', client: 'owner', grace: 60_000 });
  const other = await broker.connect('/?client=other');
  await owner.ask({ type: 'subscribe', queue: 'q' });
  await other.ask({ type: 'publish', queue: 'q', body: 1 });
  await owner.nextOf('message');
  owner.terminate();
  await other.ask({ type: 'subscribe', queue: 'q' });
  await other.ask({ type: 'publish', queue: 'q', body: 2 });
  expect(await other.nextOf('message')).toMatchObject({ body: 2 });
  const again = await broker.connect('/?client=owner');
  await again.ask({ type: 'subscribe', queue: 'q' });
  expect(await again.nextOf('message')).toMatchObject({ body: 1, attempt: 2 });
});
