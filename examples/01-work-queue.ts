/**
 * A queue of jobs that several workers share. Each job goes to one of them; one that fails, or whose worker crashes, comes again.
 *
 *     npm start                            # the broker, in another terminal
 *     node examples/01-work-queue.ts
 */
import { type Client, connect } from '../src/client/index.ts';

const url = process.env['HOLDFAST_URL'] ?? 'ws://127.0.0.1:4653';
const JOBS = 5;

const shop = await connect(url);
// a job that came back waits 100 ms, then 1 s
await shop.declare('emails', { lease: 30_000, backoff: [100, 1000] });
for (let order = 1; order <= JOBS; order++) await shop.publish({ queue: 'emails' }, { order });
console.log(`${JOBS} jobs are on disk`);

const workers = [await connect(url, { client: 'worker-1' }), await connect(url, { client: 'worker-2' })];
let done = 0;

async function work(worker: Client): Promise<void> {
  for await (const message of worker.subscribe({ queue: 'emails' }, { prefetch: 1 })) {
    const { order } = message.body as { readonly order: number };
    if (order === 3 && message.attempt === 1) {
      console.log(`${worker.name}: order ${order} failed, to be tried again`);
      await message.nack();
      continue;
    }
    console.log(`${worker.name}: order ${order} is done (attempt ${message.attempt})`);
    await message.ack();
    // a real worker would wait for more; here all go home when the last job is done
    if (++done === JOBS) for (const each of workers) void each.drain();
  }
}

await Promise.all(workers.map(work));
await shop.drain();
