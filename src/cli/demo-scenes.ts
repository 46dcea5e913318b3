/** What the demo shows. Each scene returns what it has shown, or throws when the broker did not do what was claimed. */
import { type Client, connect, type Message, type Subscription } from '../client/index.ts';
import { CliError } from './cli-error.ts';
import type { DemoBroker } from './demo-broker.ts';

export interface DemoStage {
  readonly broker: DemoBroker;
  /** Prints a line and gives time to read it. */
  readonly say: (line: string) => Promise<void>;
}

const MESSAGE_TIMEOUT_MS = 10_000;

export async function roomScene({ broker, say }: DemoStage): Promise<readonly string[]> {
  await broker.start();
  await say(`A broker runs at ${broker.url}, its data is in ${broker.dataDir}.\n`);
  const alice = await connect(broker.url, { client: 'alice' });
  const bob = await connect(broker.url, { client: 'bob' });
  const aliceReads = alice.subscribe({ topic: 'room.lobby' });
  await aliceReads.ready;
  await bob.subscribe({ topic: 'room.lobby' }).ready;
  await say('alice and bob join room.lobby.');

  await tell(bob, 'hello alice');
  await expectTexts('alice', aliceReads, ['hello alice'], say);
  await alice.drain();
  await say('\nalice closes her laptop. Nobody waits for her:');
  const missed = ['are you still there?', 'the build is green', 'lunch at noon'];
  for (const text of missed) {
    await tell(bob, text);
    await say(`  bob: ${text}   (confirmed, so it is on disk)`);
  }

  await broker.kill();
  await say(`\nThe broker is killed with kill -9. bob does not notice and goes on writing:`);
  const last = 'did the lights just flicker?';
  const unanswered = tell(bob, last);
  await say(`  bob: ${last}   (no answer yet)`);
  await broker.start();
  await unanswered;
  await say('The broker is started again. The client of bob has connected by itself and sent it again: confirmed.');

  await say('\nalice comes back:');
  const back = await connect(broker.url, { client: 'alice' });
  const inbox = back.subscribe({ topic: 'room.lobby' });
  await expectTexts('alice', inbox, [...missed, last], say);
  await back.drain();
  await bob.close();
  return [
    'a client that was away gets every message, in order',
    'what was confirmed survives kill -9',
    'a publish without an answer is sent again and stored once',
  ];
}

export async function jobScene({ broker, say }: DemoStage): Promise<readonly string[]> {
  const shop = await connect(broker.url);
  await shop.publish({ queue: 'invoices' }, { invoice: 4711 });
  await say('\nA shop puts the job {"invoice":4711} into the queue invoices.');
  const first = await connect(broker.url, { client: 'worker-1', reconnect: false });
  const taken = await nextMessage(first.subscribe({ queue: 'invoices' }));
  expectThat(taken.attempt === 1, `the first attempt was number ${taken.attempt}`);
  await say(`worker-1 takes ${taken.text} (attempt ${taken.attempt}) … and crashes before it acknowledges.`);
  await first.close();

  const second = await connect(broker.url, { client: 'worker-2' });
  const jobs = second.subscribe({ queue: 'invoices' });
  const again = await nextMessage(jobs);
  expectThat(again.id === taken.id && again.text === taken.text, 'worker-2 got another message');
  expectThat(again.attempt === 2, `the second attempt was number ${again.attempt}`);
  expectThat(await again.ack(), 'the ack of worker-2 came too late');
  await say(`worker-2 gets the same message (attempt ${again.attempt}), does the job, and acknowledges.`);
  await jobs.stop();
  const { waiting } = await second.subscribe({ queue: 'invoices' }).ready;
  expectThat(waiting === 0, `${waiting} messages are left in the queue`);
  await second.drain();
  await shop.close();
  return ['a job whose worker crashes goes to another one, with attempt 2', 'what was acknowledged is gone'];
}

async function tell(client: Client, text: string): Promise<void> {
  await client.publish({ topic: 'room.lobby' }, { text }, { exceptSelf: true });
}

/** These texts, in this order, and then nothing more. */
async function expectTexts(
  who: string,
  subscription: Subscription,
  texts: readonly string[],
  say: DemoStage['say'],
): Promise<void> {
  for (const expected of texts) {
    const message = await nextMessage(subscription);
    const { text } = message.body as { readonly text: string };
    expectThat(text === expected, `${who} should have got "${expected}" and got "${text}"`);
    expectThat(await message.ack(), `the ack of "${text}" came too late`);
    await say(`  ${who} gets: ${text}`);
  }
  await subscription.stop();
}

async function nextMessage(subscription: Subscription): Promise<Message> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new CliError(`no message came within ${MESSAGE_TIMEOUT_MS} ms`)), MESSAGE_TIMEOUT_MS);
  try {
    const { value } = await Promise.race([subscription.next(), late]);
    if (value === undefined) throw new CliError('the subscription has ended');
    return value;
  } finally {
    clearTimeout(timer);
  }
}

function expectThat(holds: boolean, otherwise: string): void {
  if (!holds) throw new CliError(`the demo failed: ${otherwise}`);
}
