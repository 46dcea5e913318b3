/**
 * Requests and replies: a request says where its reply should go, and the reply says which request it belongs to. Both are
 * ordinary messages, so a request waits for a server that is not there yet, and a reply for a client that is away.
 *
 *     npm start                            # the broker, in another terminal
 *     node examples/03-request-reply.ts
 */
import { connect } from '../src/client/index.ts';

const url = process.env['HOLDFAST_URL'] ?? 'ws://127.0.0.1:4653';

const client = await connect(url, { client: 'calculator-user' });
const replies = client.subscribe({});
await replies.ready;
const waiting = new Map<string, (body: unknown) => void>();
const reading = readReplies();

function ask(question: readonly number[]): Promise<unknown> {
  const correlation = crypto.randomUUID();
  return new Promise((resolve, reject) => {
    waiting.set(correlation, resolve);
    client.publish({ queue: 'sums' }, question, { replyTo: client.inbox, correlation }).catch(reject);
  });
}

async function readReplies(): Promise<void> {
  for await (const reply of replies) {
    waiting.get(reply.correlation ?? '')?.(reply.body);
    waiting.delete(reply.correlation ?? '');
    void reply.ack();
  }
}

const early = ask([1, 2, 3]);
console.log('asked before there is a server');

const server = await connect(url, { client: 'calculator' });
const requests = server.subscribe({ queue: 'sums' });
const serving = (async () => {
  for await (const request of requests) {
    const sum = (request.body as number[]).reduce((total, each) => total + each, 0);
    const { replyTo, correlation } = request;
    if (replyTo !== undefined && correlation !== undefined) await server.publish({ queue: replyTo }, sum, { correlation });
    // only now: had we crashed before, the request would come again
    await request.ack();
  }
})();

console.log(`1 + 2 + 3 = ${String(await early)}`);
console.log(`4 + 5 = ${String(await ask([4, 5]))}`);

await server.drain();
await client.drain();
await Promise.all([serving, reading]);
