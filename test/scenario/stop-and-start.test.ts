/** A broker that is stopped in good order says so, answers what it was asked, and is gone as soon as nothing is left to do. */
import { expect, test } from 'vitest';
import { startBroker } from '../support/start-broker.ts';
import { aClient } from './stage.ts';

// far longer than a test may last: a broker that sits its timeout out fails here
const PATIENT = ['--drain-timeout', '10m'];

test('a broker with nothing to do stops at once', async () => {
  const broker = await startBroker(PATIENT);
  expect(await broker.stop()).toBe(0);
});

test('a broker that stops tells its clients, answers what it took, and has it all when it is back, with exact attempts', async () => {
  const broker = await startBroker(PATIENT);
  const alice = await aClient(broker, 'alice');
  const other = await aClient(broker, 'other');
  await alice.subscribe({ prefetch: 1 });
  await other.publish({ queue: '@alice' }, 1);
  await alice.next();
  const answers = Array.from({ length: 100 }, (_, i) => other.publish({ queue: '@alice' }, i + 2));
  // the answer to the first one says that the broker has read them: they came in one piece
  await answers[0];
  expect(await broker.stop()).toBe(0);
  expect([await alice.closed, await other.closed]).toEqual([1001, 1001]);
  expect(alice.notices).toMatchObject([{ type: 'notice', code: 'draining' }]);
  const confirmed = (await Promise.allSettled(answers)).filter(({ status }) => status === 'fulfilled').length;

  await broker.start();
  const back = await aClient(broker, 'alice');
  await back.subscribe({ prefetch: 1000 });
  const messages = await back.take(1 + confirmed);
  expect(messages.map(({ attempt }) => attempt)).toEqual([2, ...Array.from({ length: confirmed }, () => 1)]);
  expect(await back.settled()).toEqual([]);
});
