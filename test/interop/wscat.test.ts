/** `wscat`, driven as a person would: a line is typed, an answer is read. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { startBroker } from '../support/start-broker.ts';
import { bounded } from '../support/wire-client.ts';
import { aClient } from '../scenario/stage.ts';

const WSCAT = fileURLToPath(new URL('../../node_modules/wscat/bin/wscat', import.meta.url));

class Console {
  readonly #child: ChildProcess;
  #shown = '';
  #changed: (() => void) | undefined;

  constructor(args: readonly string[]) {
    this.#child = spawn(process.execPath, [WSCAT, '--no-color', ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    const show = (chunk: Buffer): void => {
      this.#shown += String(chunk);
      this.#changed?.();
    };
    this.#child.stdout?.on('data', show);
    this.#child.stderr?.on('data', show);
    onTestFinished(() => void this.#child.kill('SIGKILL'));
  }

  type(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** The first frame shown that has these members; what was shown before it is forgotten. */
  async reads(members: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>> {
    const looked = async (): Promise<Readonly<Record<string, unknown>>> => {
      for (;;) {
        const found = this.#take(members);
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => (this.#changed = resolve));
      }
    };
    return bounded(looked(), `a frame with ${JSON.stringify(members)}`);
  }

  async end(): Promise<unknown> {
    const exit = once(this.#child, 'exit');
    this.#child.stdin?.end();
    return ((await bounded(exit, 'the end of wscat')) as unknown[])[0];
  }

  #take(members: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> | undefined {
    for (const match of this.#shown.matchAll(/^(?:> )*(\{.*\})\n/gm)) {
      const frame = JSON.parse(match[1] ?? '{}') as Record<string, unknown>;
      if (!Object.entries(members).every(([name, value]) => frame[name] === value)) continue;
      this.#shown = this.#shown.slice(match.index + match[0].length);
      return frame;
    }
    return undefined;
  }
}

test('a person at wscat publishes, subscribes, acknowledges, and is told what a typing error was', async () => {
  const broker = await startBroker();
  const other = await aClient(broker, 'other');
  await other.subscribe({ queue: 'orders' });
  const person = new Console(['--connect', `${broker.url}/?client=person`, '--subprotocol', 'holdfast.v1']);
  expect(await person.reads({ type: 'welcome' })).toMatchObject({ client: 'person', resumed: false });

  person.type('{"type":"publish","ref":1,"queue":"orders","body":{"sku":"A-17"}}');
  const { id } = await person.reads({ type: 'ok', ref: 1 });
  const order = await other.next();
  expect(order).toMatchObject({ id, from: 'person', body: '{"sku":"A-17"}' });
  await other.ack(order);

  person.type('{"type":"subscribe","ref":2,"topic":"room.lobby"}');
  expect(await person.reads({ type: 'ok', ref: 2 })).toMatchObject({ queue: '@person', waiting: 0 });
  await other.publish({ topic: 'room.lobby' }, 'hello person');
  const hello = await person.reads({ type: 'message' });
  expect(hello).toMatchObject({ topic: 'room.lobby', from: 'other', attempt: 1, body: 'hello person' });
  person.type('{"type":"akc"}');
  expect(await person.reads({ type: 'error' })).toMatchObject({ code: 'unknown_type' });
  person.type(`{"type":"ack","ref":3,"id":"${String(hello['id'])}"}`);
  expect(await person.reads({ type: 'ok', ref: 3 })).toMatchObject({ count: 1 });

  await person.end();
  const back = await aClient(broker, 'person');
  expect(await back.subscribe()).toMatchObject({ waiting: 0 });
});

test('wscat without a subprotocol, a name or a welcome is let in by its first frame', async () => {
  const broker = await startBroker();
  const publish = '{"type":"publish","ref":1,"queue":"orders","body":1}';
  const subscribe = '{"type":"subscribe","ref":2,"queue":"orders"}';
  const person = new Console(['--connect', broker.url, '--wait', '-1', '--execute', publish, '--execute', subscribe]);
  expect(await person.reads({ type: 'ok', ref: 1 })).toMatchObject({ queues: 1 });
  expect(await person.reads({ type: 'message' })).toMatchObject({ queue: 'orders', body: 1 });
});
