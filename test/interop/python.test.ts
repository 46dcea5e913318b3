/** Debian's Python with its `websockets` library: not our code, not our language. */
import { execFile, execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { startBroker } from '../support/start-broker.ts';
import { aClient } from '../scenario/stage.ts';

// Debian's own: another one earlier in PATH would not see Debian's packages
const PYTHON = '/usr/bin/python3';
const SCRIPT = fileURLToPath(new URL('python_client.py', import.meta.url));

function isInstalled(): boolean {
  try {
    execFileSync(PYTHON, ['-c', 'import websockets'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test("Python's websockets publishes text and bytes, is given what waited for it, and acknowledges", async ({ skip }) => {
  skip(!isInstalled(), 'python3-websockets is not installed: apt-get install python3-websockets');
  const broker = await startBroker();
  const other = await aClient(broker, 'other');
  const python = await aClient(broker, 'python');
  await python.close();
  await other.publishText({ queue: '@python' }, '{"text":"für Python 🐍"}');
  await other.publishBytes({ queue: '@python' }, Buffer.from([0, 10, 255]));

  const { stdout } = await promisify(execFile)(PYTHON, [SCRIPT, broker.url], { timeout: 15_000 });
  const said = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  expect(said).toMatchObject([
    { what: 'connected', subprotocol: 'holdfast.v1', welcome: { client: 'python', resumed: true, inbox: { waiting: 2 } } },
    { what: 'published', answer: { type: 'ok', ref: 1, queues: 1 } },
    { what: 'published', answer: { type: 'ok', ref: 2, queues: 1 } },
    { what: 'subscribed', answer: { type: 'ok', ref: 3, queue: '@python', waiting: 2 } },
    { what: 'received', message: { type: 'message', from: 'other', attempt: 1, body: { text: 'für Python 🐍' } }, hex: null },
    { what: 'received', message: { type: 'message', from: 'other', attempt: 1 }, hex: '000aff' },
    { what: 'acknowledged', answer: { type: 'ok', ref: 'done', count: 2 } },
  ]);

  await other.subscribe({ queue: 'from-python' });
  const [text, bytes] = await other.take(2);
  expect(text).toMatchObject({ from: 'python', body: '{"sku": "\\u00c5-17", "count": 1152921504606846977}' });
  expect(bytes?.body).toEqual(Buffer.from(Array.from({ length: 256 }, (_, i) => i)));
  const back = await aClient(broker, 'python');
  expect(await back.subscribe()).toMatchObject({ waiting: 0 });
});
