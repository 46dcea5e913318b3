import { expect, it } from 'vitest';
import { failOnLeaks } from '../support/leak-check.ts';
import { LiveBroker } from '../support/live-broker.ts';

failOnLeaks();

it('confirms a message and delivers it with everything that it carries', async () => {
  const broker = await LiveBroker.start();
  await broker.transcript(`
    alice> {"type":"publish","ref":1,"queue":"orders","body":{"sku":"A-17"}}
    alice< {"type":"ok","ref":1,"id":"<id>","queues":1}
    > {"type":"subscribe","ref":2,"queue":"orders","prefetch":10}
    < {"type":"ok","ref":2,"queue":"orders","waiting":1}
    < {"type":"message","queue":"orders","id":"<id>","attempt":1,"time":<time>,"from":"alice","body":{"sku":"A-17"}}
    > {"type":"ack","ref":3,"id":"<id>"}
    < {"type":"ok","ref":3,"count":1}
    alice> {"type":"publish","queue":"orders","headers":{"a":"b"},"replyTo":"@alice","correlation":"c-1","body":[1, 2]}
    < {"type":"message","queue":"orders","id":"<two>","attempt":1,"time":<*>,"from":"alice","headers":{"a":"b"},"replyTo":"@alice","correlation":"c-1","body":[1, 2]}
  `);
});

it('carries a body exactly as it was written', async () => {
  const broker = await LiveBroker.start();
  await broker.transcript(`
    > {"type":"subscribe","queue":"q"}
    > {"type":"publish","queue":"q","body": {"id": 850007368138018817, "a":1,"a":2, "é":"\\u00e9\\/", "f":1.0e+2} }
    < {"type":"message","queue":"q","id":"<a>","attempt":1,"time":<*>,"body":{"id": 850007368138018817, "a":1,"a":2, "é":"\\u00e9\\/", "f":1.0e+2}}
  `);
});

it('takes several messages in one frame, all or none', async () => {
  const broker = await LiveBroker.start();
  await broker.transcript(`
    > {"type":"publish","ref":1,"messages":[{"queue":"q","body":1},{"queue":"q","body":2,"id":"0194a1b0-6a5e-7c3e-9d5e-5f1d2c3b4a59"}]}
    < {"type":"ok","ref":1,"ids":["<one>","0194a1b0-6a5e-7c3e-9d5e-5f1d2c3b4a59"]}
    > {"type":"publish","ref":2,"messages":[{"queue":"q","body":3},{"queue":"q","body":2,"id":"0194a1b0-6a5e-7c3e-9d5e-5f1d2c3b4a59"}]}
    < {"type":"ok","ref":2,"ids":["<three>","0194a1b0-6a5e-7c3e-9d5e-5f1d2c3b4a59"],"duplicates":["0194a1b0-6a5e-7c3e-9d5e-5f1d2c3b4a59"]}
    > {"type":"publish","ref":3,"messages":[{"queue":"q","body":4},{"queue":"q","body":5,"id":"0194a1b0-6a5e-7c3e-9d5e-5f1d2c3b4a59"}]}
    < {"type":"error","ref":3,"code":"conflict","message":"<*>","retryable":false}
    > {"type":"publish","ref":4,"messages":[{"queue":"q","body":6},{"queue":"q"}]}
    < {"type":"error","ref":4,"code":"bad_field","message":"messages[1]: body is missing; it may be any JSON value","retryable":false}
    > {"type":"subscribe","ref":5,"queue":"q"}
    < {"type":"ok","ref":5,"queue":"q","waiting":3}
    < {"type":"message",<*>"body":1}
    < {"type":"message",<*>"body":2}
    < {"type":"message",<*>"body":3}
  `);
});

it('says that an id was published before', async () => {
  const broker = await LiveBroker.start({ sqlite: true });
  await broker.transcript(`
    > {"type":"publish","ref":1,"queue":"q","id":"0194A1B0-6A5E-7C3E-9D5E-5F1D2C3B4A59","body":1}
    < {"type":"ok","ref":1,"id":"0194a1b0-6a5e-7c3e-9d5e-5f1d2c3b4a59","queues":1}
    > {"type":"publish","ref":2,"queue":"q","id":"0194a1b0-6a5e-7c3e-9d5e-5f1d2c3b4a59","body":1}
    < {"type":"ok","ref":2,"id":"0194a1b0-6a5e-7c3e-9d5e-5f1d2c3b4a59","queues":1,"duplicate":true}
    > {"type":"publish","ref":3,"queue":"q","id":"0194a1b0-6a5e-7c3e-9d5e-5f1d2c3b4a59","body":2}
    < {"type":"error","ref":3,"code":"conflict","message":"<*>","retryable":false}
  `);
});

it('delivers bytes as bytes, whatever they are', async () => {
  const broker = await LiveBroker.start({ sqlite: true });
  const client = await broker.connect('/?client=c&arrays=1');
  await client.ask({ type: 'subscribe', queue: 'q' });
  const body = Buffer.from(Array.from({ length: 512 }, (_, i) => i & 0xff));
  client.send(Buffer.concat([Buffer.from('{"type":"publish","ref":"b","queue":"q","headers":{"é":"ü"}}\n'), body]));
  expect(await client.next()).toMatchObject({ type: 'ok', ref: 'b', queues: 1 });
  const frame = await client.nextFrame();
  if (!(frame instanceof Buffer)) throw new Error('bytes were to come as bytes');
  const newline = frame.indexOf(0x0a);
  const line = JSON.parse(frame.toString('utf8', 0, newline)) as Readonly<Record<string, unknown>>;
  expect(line).toMatchObject({ type: 'message', queue: 'q', attempt: 1, headers: { é: 'ü' } });
  expect(line).not.toHaveProperty('body');
  expect(frame.subarray(newline + 1).equals(body)).toBe(true);
});

it('publishes to the inbox of a client that was there once, and to no other', async () => {
  const broker = await LiveBroker.start();
  await broker.transcript(`
    bob> {"type":"ping","ref":0}
    bob< {"type":"pong","ref":0}
    > {"type":"publish","ref":1,"queue":"@bob","body":1}
    < {"type":"ok","ref":1,"id":"<id>","queues":1}
    > {"type":"publish","ref":2,"queue":"@nobody","body":1}
    < {"type":"error","ref":2,"code":"not_found","message":"<*>","retryable":false}
  `);
});

it('answers nothing to a frame without a ref, unless it fails', async () => {
  const broker = await LiveBroker.start();
  await broker.transcript(`
    > {"type":"publish","queue":"q","body":1}
    > {"type":"publish","queue":"q"}
    < {"type":"error","code":"bad_field","message":"body is missing; it may be any JSON value","retryable":false}
  `);
});
