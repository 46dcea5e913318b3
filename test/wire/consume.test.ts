import { it } from 'vitest';
import { failOnLeaks } from '../support/leak-check.ts';
import { LiveBroker } from '../support/live-broker.ts';

failOnLeaks();

it('subscribes to a queue, to the own inbox and to a topic, and unsubscribes', async () => {
  const broker = await LiveBroker.start();
  await broker.transcript(`
    a> {"type":"subscribe","ref":1,"queue":"q","prefetch":1,"autoAck":true}
    a< {"type":"ok","ref":1,"queue":"q","waiting":0}
    a> {"type":"subscribe","ref":2}
    a< {"type":"ok","ref":2,"queue":"@a","waiting":0}
    a> {"type":"subscribe","ref":3,"topic":"room.*"}
    a< {"type":"ok","ref":3,"queue":"@a","waiting":0}
    > {"type":"publish","ref":1,"topics":["room.lobby","other"],"body":1}
    < {"type":"ok","ref":1,"id":"<id>","queues":1}
    a< {"type":"message","queue":"@a","id":"<id>","attempt":1,"time":<*>,"topic":"room.lobby","body":1}
    a> {"type":"unsubscribe","ref":4,"topic":"room.*"}
    a< {"type":"ok","ref":4}
    > {"type":"publish","ref":2,"topic":"room.lobby","body":1}
    < {"type":"ok","ref":2,"id":"<none>","queues":0}
    a> {"type":"unsubscribe","ref":5,"queue":"q"}
    a< {"type":"ok","ref":5}
    a> {"type":"unsubscribe","ref":6,"queue":"q"}
    a< {"type":"error","ref":6,"code":"not_found","message":"<*>","retryable":false}
    a> {"type":"unsubscribe","ref":7}
    a< {"type":"ok","ref":7}
  `);
});

it('leaves out the sender with exceptSelf', async () => {
  const broker = await LiveBroker.start();
  await broker.transcript(`
    a> {"type":"subscribe","ref":1,"topic":"room"}
    a< {"type":"ok","ref":1,"queue":"@a","waiting":0}
    b> {"type":"subscribe","ref":1,"topic":"room"}
    b< {"type":"ok","ref":1,"queue":"@b","waiting":0}
    a> {"type":"publish","topic":"room","exceptSelf":true,"body":"hi"}
    b< {"type":"message","queue":"@b","id":"<id>","attempt":1,"time":<*>,"topic":"room","from":"a","body":"hi"}
  `);
});

it('acknowledges what is held, once', async () => {
  const broker = await LiveBroker.start({ sqlite: true });
  await broker.transcript(`
    > {"type":"publish","messages":[{"queue":"q","body":1},{"queue":"q","body":2},{"queue":"q","body":3}]}
    a> {"type":"subscribe","queue":"q"}
    a< {"type":"message","queue":"q","id":"<one>",<*>"body":1}
    a< {"type":"message","queue":"q","id":"<two>",<*>"body":2}
    a< {"type":"message","queue":"q","id":"<three>",<*>"body":3}
    b> {"type":"ack","ref":1,"id":"<one>"}
    b< {"type":"error","ref":1,"code":"not_held","message":"<*>","retryable":false}
    a> {"type":"ack","ref":1,"ids":["<one>","<two>"],"queue":"q"}
    a< {"type":"ok","ref":1,"count":2}
    a> {"type":"ack","ref":2,"id":"<one>"}
    a< {"type":"error","ref":2,"code":"not_held","message":"<*>","retryable":false}
    a> {"type":"ack","ref":3,"id":"<three>","queue":"other"}
    a< {"type":"error","ref":3,"code":"not_held","message":"<*>","retryable":false}
    a> {"type":"ack","ref":4,"id":"<three>"}
    a< {"type":"ok","ref":4,"count":1}
  `);
});

it('gives back with nack, at once or after a delay', async () => {
  const broker = await LiveBroker.start();
  await broker.transcript(`
    > {"type":"publish","queue":"q","body":1}
    > {"type":"publish","queue":"q","body":2}
    a> {"type":"subscribe","queue":"q","prefetch":1}
    a< {"type":"message","queue":"q","id":"<one>","attempt":1,<*>"body":1}
    a> {"type":"nack","ref":1,"id":"<one>"}
    a< {"type":"ok","ref":1,"count":1}
    a< {"type":"message","queue":"q","id":"<one>","attempt":2,<*>"body":1}
    a> {"type":"nack","ref":2,"ids":["<one>"],"delay":60000}
    a< {"type":"message","queue":"q","id":"<two>","attempt":1,<*>"body":2}
    a< {"type":"ok","ref":2,"count":1}
    a> {"type":"nack","ref":3,"id":"<one>"}
    a< {"type":"error","ref":3,"code":"not_held","message":"<*>","retryable":false}
  `);
});

it('extends a lease, also to an early end', async () => {
  const broker = await LiveBroker.start();
  await broker.transcript(`
    > {"type":"publish","queue":"q","body":1}
    a> {"type":"subscribe","queue":"q"}
    a< {"type":"message","queue":"q","id":"<one>","attempt":1,<*>"body":1}
    a> {"type":"extend","ref":1,"id":"<one>","ms":1}
    a< {"type":"ok","ref":1,"count":1}
    a< {"type":"message","queue":"q","id":"<one>","attempt":2,<*>"body":1}
    a> {"type":"extend","ref":2,"id":"<one>","ms":3600000}
    a< {"type":"ok","ref":2,"count":1}
  `);
});

it('declares a queue, keeps the settings that are left out, and answers with those in force', async () => {
  const broker = await LiveBroker.start();
  await broker.transcript(`
    > {"type":"declare","ref":1,"queue":"q"}
    < {"type":"ok","ref":1,"queue":"q","lease":60000,"backoff":[]}
    > {"type":"declare","ref":2,"queue":"q","lease":5000}
    < {"type":"ok","ref":2,"queue":"q","lease":5000,"backoff":[]}
    > {"type":"declare","ref":3,"queue":"q","backoff":[100,2000]}
    < {"type":"ok","ref":3,"queue":"q","lease":5000,"backoff":[100,2000]}
    > {"type":"declare","ref":4,"queue":"@other"}
    < {"type":"error","ref":4,"code":"forbidden","message":"<*>","retryable":false}
    > {"type":"declare","ref":5,"queue":"q","lease":1}
    < {"type":"error","ref":5,"code":"bad_field","message":"lease must be a whole number of milliseconds from 1000 to <*>","retryable":false}
    > {"type":"declare","ref":6,"queue":"q","ttl":1}
    < {"type":"error","ref":6,"code":"unsupported","message":"<*>","retryable":false}
  `);
});

it('binds a queue to topics and unbinds it', async () => {
  const broker = await LiveBroker.start();
  await broker.transcript(`
    > {"type":"bind","ref":1,"queue":"log","topic":"room.#"}
    < {"type":"ok","ref":1}
    > {"type":"publish","ref":2,"topic":"room.lobby.door","body":1}
    < {"type":"ok","ref":2,"id":"<id>","queues":1}
    > {"type":"unbind","ref":3,"queue":"log","topic":"room.#"}
    < {"type":"ok","ref":3}
    > {"type":"unbind","ref":4,"queue":"never","topic":"room.#"}
    < {"type":"ok","ref":4}
    > {"type":"publish","ref":5,"topic":"room.lobby","body":1}
    < {"type":"ok","ref":5,"id":"<id2>","queues":0}
    > {"type":"bind","ref":6,"queue":"@other","topic":"room.#"}
    < {"type":"error","ref":6,"code":"forbidden","message":"<*>","retryable":false}
  `);
});

it('answers ping with pong and gives back any ref as it was written', async () => {
  const broker = await LiveBroker.start();
  await broker.transcript(`
    > {"type":"ping"}
    < {"type":"pong"}
    > {"type":"ping","ref":"é\\u00e9 \\"x\\""}
    < {"type":"pong","ref":"é\\u00e9 \\"x\\""}
    > {"type":"ping","ref":18446744073709551615}
    < {"type":"pong","ref":18446744073709551615}
    > {"type":"p\\u0069ng","r\\u0065f":-1}
    < {"type":"pong","ref":-1}
  `);
});
