/**
 * A steady pace finer than timers, which wake at whole milliseconds, without turning in between: a thread of its own sleeps until
 * each tick is due. A tick that comes late stands for all that were due meanwhile.
 */
import { isMainThread, type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads';

interface Pace {
  readonly perSecond: number;
  readonly ticks: number;
}

/** Calls `due` with the number of ticks that are due so far, until all are. Resolves then. */
export async function pace(options: Pace, due: (ticks: number, startedAt: number) => void): Promise<void> {
  const worker = new Worker(import.meta.filename, { workerData: options });
  await new Promise((resolve) => worker.once('message', resolve));
  const startedAt = performance.now();
  const done = Promise.withResolvers<void>();
  worker.on('message', () => {
    const elapsed = performance.now() - startedAt;
    const ticks = Math.min(options.ticks, Math.floor((elapsed * options.perSecond) / 1000) + 1);
    due(ticks, startedAt);
    if (ticks === options.ticks) done.resolve();
  });
  await done.promise;
  await worker.terminate();
}

/** The thread: says `ready`, then ticks, a little after each is due, until it is ended. */
function tick(port: MessagePort, { perSecond }: Pace): void {
  const sleep = new Int32Array(new SharedArrayBuffer(4));
  port.postMessage('ready');
  const start = performance.now();
  for (let i = 0; ; i++) {
    const waitMs = start + (i * 1000) / perSecond - performance.now();
    if (waitMs > 0) Atomics.wait(sleep, 0, 0, waitMs);
    port.postMessage(i);
  }
}

if (!isMainThread && parentPort !== null) tick(parentPort, workerData as Pace);
