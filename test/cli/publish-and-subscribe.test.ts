import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { cleanEnvironment, ENTRY } from '../support/broker-process.ts';
import { startBroker } from '../support/start-broker.ts';
import { runHoldfast, startHoldfast } from '../support/holdfast-command.ts';
import { sdkClient } from '../support/sdk-client.ts';

const LINES = [
  '{"id":505874924095815681,"id":12345678901234567890}',
  '{"text":"\\u524d\\/前😋", "n" : 1.0}',
  '[1e400,-0,null]',
  '"plain"',
];
const NDJSON = `${LINES.join('\n')}\n`;

describe('holdfast publish and subscribe', () => {
  test('carry lines of JSON byte for byte', async () => {
    const broker = await startBroker();
    const published = await runHoldfast(['publish', 'raw', '--url', broker.url], NDJSON);
    expect(String(published.stdout)).toMatch(/^published 4 messages, \d+ bytes in [\d.]+ s \(\d+\/s\)\n$/);
    const { code, stdout } = await runHoldfast(['subscribe', 'raw', '--ack', '--count', '4', '--url', broker.url]);
    expect(code).toBe(0);
    expect(stdout).toEqual(Buffer.from(NDJSON));
  });

  test('carry thousands of lines in their order, also with the line ends of Windows and none at the end', async () => {
    const broker = await startBroker();
    const lines = Array.from({ length: 5000 }, (_, n) => `{"n":${n}}`);
    await runHoldfast(['publish', 'many', '--url', broker.url], `\ufeff${lines.join('\r\n\r\n')}`);
    const { stdout } = await runHoldfast([
      'subscribe',
      'many',
      '--ack',
      '--count',
      '5000',
      '--prefetch',
      '500',
      '--url',
      broker.url,
    ]);
    expect(String(stdout).trim().split('\n')).toEqual(lines);
  });

  test('stop at a line that is no JSON, and say which, and what was published before', async () => {
    const broker = await startBroker();
    const { code, stdout, stderr } = await runHoldfast(['publish', 'q', '--url', broker.url], '1\n2\n{nope}\n4\n');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^holdfast: line 3: the body is not JSON/);
    expect(String(stdout)).toMatch(/^published 2 messages/);
    const bytes = await runHoldfast(['publish', 'q', '--url', broker.url], Buffer.from([0x22, 0xff, 0x22, 0x0a]));
    expect(bytes).toMatchObject({ code: 1, stderr: 'holdfast: line 1: not UTF-8\n' });
  });

  test('name the line that the broker refuses', async () => {
    const broker = await startBroker(['--frame-max', '64KiB']);
    const { code, stderr } = await runHoldfast(['publish', 'q', '--url', broker.url], `1\n"${'x'.repeat(70_000)}"\n`);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^holdfast: line 2: the frame has \d+ bytes; the broker's limit frame-max is 65536/);
  });

  test('show the whole message with --json, bytes as base64', async () => {
    const broker = await startBroker();
    const client = await sdkClient(broker.url, { client: 'bob' });
    await runHoldfast([
      'publish',
      'q',
      '{"n":12345678901234567890}',
      '--header',
      'a=1',
      '--header',
      'b=x=y',
      '--url',
      broker.url,
    ]);
    await client.publish({ queue: 'q' }, Uint8Array.of(0, 255));
    const { stdout } = await runHoldfast(['subscribe', 'q', '--json', '--count', '2', '--url', broker.url]);
    const [first, second] = String(stdout).split('\n');
    expect(first).toMatch(
      /^\{"queue":"q","id":"[0-9a-f-]{36}","attempt":1,.*"headers":\{"a":"1","b":"x=y"\},"body":\{"n":12345678901234567890\}\}$/,
    );
    expect(second).toMatch(/"from":"bob","base64":"AP8="\}$/);
  });

  test('publish to a topic, and miss nothing of it by name', async () => {
    const broker = await startBroker();
    const address = ['--url', broker.url];
    const nobody = await runHoldfast(['publish', '--topic', 'room.lobby', '"early"', ...address]);
    expect(nobody.stderr).toMatch(/no queue is bound to that topic/);
    const alice = startHoldfast(['subscribe', '--topic', 'room.*', '--client', 'alice', '--ack', ...address]);
    const client = await sdkClient(broker.url);
    while ((await client.publish({ topic: 'room.lobby' }, 'first')).queues === 0);
    await alice.printed('"first"\n');
    alice.interrupt();
    expect(await alice.ended).toMatchObject({ code: 0 });
    await runHoldfast(['publish', '--topic', 'room.lobby', '"second"', ...address]);
    const back = await runHoldfast(['subscribe', '--client', 'alice', '--ack', '--count', '1', ...address]);
    expect(String(back.stdout)).toBe('"second"\n');
  });

  test('acknowledge nothing without --ack, and say so', async () => {
    const broker = await startBroker();
    await runHoldfast(['publish', 'q', '1', '--url', broker.url]);
    const watcher = startHoldfast(['subscribe', 'q', '--url', broker.url]);
    await watcher.printed('1\n');
    watcher.interrupt();
    expect(await watcher.ended).toMatchObject({ code: 0, stderr: expect.stringContaining('nothing is acknowledged') as string });
    const client = await sdkClient(broker.url);
    expect((await client.subscribe({ queue: 'q' }).ready).waiting).toBe(1);
  });

  test('end quietly when nobody reads any more, and lose nothing that was not written', async () => {
    const broker = await startBroker();
    const lines = Array.from({ length: 20_000 }, (_, n) => `{"n":${n},"pad":"${'x'.repeat(100)}"}`);
    await runHoldfast(['publish', 'q', '--url', broker.url], lines.join('\n'));
    const child = spawn(process.execPath, [ENTRY, 'subscribe', 'q', '--ack', '--url', broker.url], {
      env: cleanEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let stderr = '';
    child.stderr.on('data', (text) => (stderr += String(text)));
    let read = 0;
    for await (const chunk of child.stdout) {
      read += String(chunk).split('\n').length - 1;
      if (read > 1000) break;
    }
    const [code] = (await once(child, 'close')) as [number | null];
    expect([code, stderr]).toEqual([0, '']);
    // a pipe holds some that were written and not read
    const client = await sdkClient(broker.url);
    const { waiting } = await client.subscribe({ queue: 'q' }).ready;
    expect(waiting).toBeGreaterThan(10_000);
    expect(waiting).toBeLessThanOrEqual(20_000 - read);
  });

  test('go on publishing across a restart of the broker', async () => {
    const broker = await startBroker();
    const publisher = spawn(process.execPath, [ENTRY, 'publish', 'q', '--url', broker.url], {
      env: cleanEnvironment(),
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    onTestFinished(() => void publisher.kill('SIGKILL'));
    let stdout = '';
    publisher.stdout.on('data', (text) => (stdout += String(text)));
    publisher.stdin.write('1\n2\n');
    const client = await sdkClient(broker.url);
    const subscription = client.subscribe({ queue: 'q' });
    const bodies: unknown[] = [];
    for await (const message of subscription) {
      bodies.push(message.body);
      await message.ack();
      if (bodies.length === 2) {
        await broker.kill9();
        publisher.stdin.end('3\n4\n');
        await broker.start();
      }
      if (bodies.length === 4) break;
    }
    expect(bodies).toEqual([1, 2, 3, 4]);
    if (publisher.exitCode === null) await once(publisher, 'close');
    expect(publisher.exitCode).toBe(0);
    expect(stdout).toMatch(/^published 4 messages/);
  });
});
