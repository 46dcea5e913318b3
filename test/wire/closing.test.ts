import { describe, expect, it } from 'vitest';
import { failOnLeaks } from '../support/leak-check.ts';
import { LiveBroker } from '../support/live-broker.ts';
import { eventually } from '../support/raw-client.ts';
import { bounded } from '../support/wire-client.ts';

failOnLeaks();

describe('a connection is closed', () => {
  it('with 4103 after an error when what came is not a frame', async () => {
    const broker = await LiveBroker.start();
    for (const frame of ['hello', '', '1', '"x"', '{"type":"ping"', '[1]', '\ufeff{"type":"ping"}', '{"type":"ping"}{}']) {
      const client = await broker.connect();
      client.send(frame);
      expect(await client.next(), frame).toMatchObject({ type: 'error', code: 'bad_frame', retryable: false });
      expect(await client.closed).toBe(4103);
    }
    for (const bytes of [
      Buffer.from('{"type":"publish"}'),
      Buffer.from('\xff\n', 'latin1'),
      Buffer.from('[]\n'),
      Buffer.from('\n'),
    ]) {
      const client = await broker.connect();
      client.send(bytes);
      expect(await client.next(), bytes.toString('latin1')).toMatchObject({ type: 'error', code: 'bad_frame' });
      expect(await client.closed).toBe(4103);
    }
  });

  it('and what comes behind the frame that ended it is not handled', async () => {
    const broker = await LiveBroker.start();
    const [bad, good] = [await broker.connect(), await broker.connect()];
    bad.send('not a frame');
    bad.send('{"type":"publish","queue":"q","body":1}');
    expect(await bad.closed).toBe(4103);
    expect(await good.ask({ type: 'subscribe', queue: 'q' })).toMatchObject({ waiting: 0 });
  });

  it('with 1009 when a message is larger than frame-max', async () => {
    const broker = await LiveBroker.start({ limits: { frameBytesMax: 2048 } });
    const client = await broker.connect('/?client=a');
    client.send(`{"type":"publish","queue":"q","body":"${'x'.repeat(2048)}"}`);
    expect(await bounded(client.closed, 'the close')).toBe(1009);
  });

  it('with 1009 after an error when a message is larger than hello-max before the session is open', async () => {
    const broker = await LiveBroker.start({ limits: { helloBytesMax: 1024 } });
    const large = `{"type":"publish","queue":"q","body":"${'x'.repeat(1024)}"}`;
    const client = await broker.connect();
    client.send(large);
    expect(await client.next()).toMatchObject({ type: 'error', code: 'too_large' });
    expect(await client.closed).toBe(1009);
    const named = await broker.connect('/?client=a');
    named.send(large);
    expect(await named.ask({ type: 'subscribe', queue: 'q' })).toMatchObject({ waiting: 1 });
  });

  it('with 1007 by the WebSocket itself when text is not UTF-8', async () => {
    const broker = await LiveBroker.start();
    const client = await broker.connect();
    client.socket.send(Buffer.from('{"type":"ping","ref":"\xff"}', 'latin1'), { binary: false });
    expect(await bounded(client.closed, 'the close')).toBe(1007);
  });

  it('with 4001 when it gives no sign of life', async () => {
    const broker = await LiveBroker.start({ server: { heartbeatMs: 20 } });
    const silent = await broker.connect('/?client=silent', { autoPong: false });
    const lively = await broker.connect('/?client=lively');
    expect(await bounded(silent.closed, 'the close')).toBe(4001);
    expect(await lively.ask({ type: 'ping' })).toMatchObject({ type: 'pong' });
  });

  it('cleanly when it closes itself while deliveries for it are under way', async () => {
    const broker = await LiveBroker.start();
    const publisher = await broker.connect();
    for (let round = 0; round < 20; round++) {
      const consumer = await broker.connect('/?client=c');
      await consumer.ask({ type: 'subscribe', queue: 'q', autoAck: true });
      for (let n = 0; n < 20; n++) publisher.send(`{"type":"publish","queue":"q","body":${n}}`);
      expect(await consumer.close()).toBe(1000);
    }
  });
});

describe('a broker that shuts down', () => {
  it('gives notice, answers what it received, and closes with 1001', async () => {
    const broker = await LiveBroker.start({ sqlite: true });
    const client = await broker.connect('/?client=a');
    await client.ask({ type: 'subscribe' });
    for (let n = 0; n < 200; n++) client.send(`{"type":"publish","ref":${n},"queue":"q${n % 10}","body":1}`);
    expect(await client.nextOf('ok')).toMatchObject({ ref: 0 });
    const stopped = broker.shutDown();
    const answers = new Set<unknown>([0]);
    let notice: unknown;
    for (let frame = await client.nextFrame(); frame !== undefined; frame = await client.nextFrame()) {
      const { type, ref, code } = JSON.parse(frame.toString()) as Readonly<Record<string, unknown>>;
      if (type === 'notice') notice = code;
      else if (type === 'ok') answers.add(ref);
    }
    expect(await client.closed).toBe(1001);
    expect(notice).toBe('draining');
    await stopped;
    expect([...answers]).toEqual(Array.from(answers, (_, n) => n));
  });

  it('refuses new connections and says that it is not ready, and then is gone', async () => {
    const broker = await LiveBroker.start();
    const client = await broker.connect('/?client=a');
    await client.next();
    // a peer that does not answer the close keeps the broker draining for a while
    client.socket.pause();
    const stopped = broker.shutDown();
    const ready = await fetch(`${broker.http}/health/ready`, { headers: { connection: 'close' } });
    expect([ready.status, await ready.text()]).toEqual([503, 'draining\n']);
    await expect(broker.connect()).rejects.toThrow('503');
    await stopped;
    await expect(broker.connect()).rejects.toThrow('ECONNREFUSED');
    client.terminate();
  });

  it('does not wait for a peer that does not answer its close', async () => {
    const broker = await LiveBroker.start();
    const client = await broker.connect('/?client=a');
    client.socket.pause();
    await broker.shutDown();
    await eventually(() => broker.server.connections === 0, 'no connections');
    client.terminate();
  });
});
