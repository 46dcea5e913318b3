/** Chromium's own WebSocket, on the page that the broker itself serves. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright-core';
import { expect, onTestFinished, test } from 'vitest';
import { startBroker } from '../support/start-broker.ts';
import { bounded } from '../support/wire-client.ts';
import { aClient } from '../scenario/stage.ts';
import { connectInPage, messagesInPage, requestInPage, type SeenMessage } from './browser-session.ts';

const CHROMIUM = '/usr/bin/chromium';
const MISSING = 'Chromium is not installed: apt-get install chromium';
/** A browser that starts on a busy machine, in ms. */
const SLOW_MS = 60_000;

async function aPage(): Promise<Page> {
  const profile = mkdtempSync(join(tmpdir(), 'holdfast-chromium-'));
  onTestFinished(() => rmSync(profile, { recursive: true, force: true, maxRetries: 5 }));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  onTestFinished(() => context.close());
  return context.newPage();
}

function messages(page: Page, count: number): Promise<readonly SeenMessage[]> {
  return bounded(page.evaluate(messagesInPage, count), `${count} messages in the page`);
}

test(
  "Chromium's WebSocket publishes, subscribes and acknowledges, text and bytes, and misses nothing over a reload",
  async ({ skip }) => {
    skip(!existsSync(CHROMIUM), MISSING);
    const broker = await startBroker();
    const other = await aClient(broker, 'other');
    await other.subscribe({ queue: 'from-browser' });
    const address = `${broker.url}/?client=browser`;
    const page = await aPage();
    await page.goto(broker.url.replace('ws:', 'http:'));
    expect(await page.title()).toContain('Holdfast');

    expect(await page.evaluate(connectInPage, address)).toMatchObject({ client: 'browser', resumed: false });
    const body = { text: 'aus dem Browser 🌍', list: [1, 2.5, null] };
    const publish = { type: 'publish', queue: 'from-browser' };
    expect(await page.evaluate(requestInPage, { frame: { ...publish, body } })).toMatchObject({ type: 'ok', queues: 1 });
    expect(await page.evaluate(requestInPage, { frame: publish, bytes: [0, 10, 255] })).toMatchObject({ type: 'ok', queues: 1 });
    const [text, bytes] = await other.take(2);
    expect(text).toMatchObject({ from: 'browser', body: JSON.stringify(body) });
    expect(bytes?.body).toEqual(Buffer.from([0, 10, 255]));

    expect(await page.evaluate(requestInPage, { frame: { type: 'subscribe', topic: 'news' } })).toMatchObject({
      queue: '@browser',
    });
    await other.publish({ topic: 'news' }, 'first');
    await other.publishBytes({ topic: 'news' }, Buffer.from([1, 10, 254]));
    const [first, second] = await messages(page, 2);
    expect(first).toMatchObject({ attempt: 1, body: 'first' });
    expect(second).toMatchObject({ attempt: 1, bytes: [1, 10, 254] });
    expect(await page.evaluate(requestInPage, { frame: { type: 'ack', id: first?.id } })).toMatchObject({ type: 'ok', count: 1 });

    await page.reload();
    for (let n = 1; n <= 10; n++) await other.publish({ topic: 'news' }, n);
    expect(await page.evaluate(connectInPage, address)).toMatchObject({ resumed: true, inbox: { waiting: 11 } });
    await page.evaluate(requestInPage, { frame: { type: 'subscribe' } });
    const [unacknowledged, ...missed] = await messages(page, 11);
    expect(unacknowledged).toMatchObject({ id: second?.id, attempt: 2, bytes: [1, 10, 254] });
    expect(missed.map((message) => message.body)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const ids = [unacknowledged, ...missed].map((message) => message?.id);
    expect(await page.evaluate(requestInPage, { frame: { type: 'ack', ids } })).toMatchObject({ type: 'ok', count: 11 });

    const back = await aClient(broker, 'browser');
    expect(await back.subscribe()).toMatchObject({ waiting: 0 });
  },
  SLOW_MS,
);

test(
  'a page of another origin can not connect from Chromium',
  async ({ skip }) => {
    skip(!existsSync(CHROMIUM), MISSING);
    const [broker, foreign] = [await startBroker(), await startBroker()];
    const page = await aPage();
    await page.goto(foreign.url.replace('ws:', 'http:'));
    await expect(page.evaluate(connectInPage, `${broker.url}/?client=browser`)).rejects.toThrow('closed with 1006');
    expect(await page.evaluate(connectInPage, `${foreign.url}/?client=browser`)).toMatchObject({ client: 'browser' });
  },
  SLOW_MS,
);
