/** Starts clients in threads and hears from them. */
import { Worker } from 'node:worker_threads';
import type { Published } from './client.ts';
import type { ClientResult, ClientTask, Drained } from './client-worker.ts';

interface Thread {
  /** @throws what the client failed with, or that its time is over */
  readonly result: Promise<ClientResult>;
  readonly stop: () => void;
}

/** More than any of it takes by far. */
const DEADLINE_MS = 60_000;

function startThread(task: ClientTask): Thread {
  const worker = new Worker(new URL('./client-worker.ts', import.meta.url), { workerData: task });
  const { promise, resolve, reject } = Promise.withResolvers<ClientResult>();
  worker.once('message', resolve);
  worker.once('error', reject);
  worker.once('exit', () => reject(new Error(`the client that was to ${task.work} has ended`)));
  const timer = setTimeout(() => reject(new Error(`to ${task.work} took more than ${DEADLINE_MS / 1000} s`)), DEADLINE_MS);
  const result = promise.finally(() => {
    clearTimeout(timer);
    void worker.terminate();
  });
  return { result, stop: () => worker.postMessage('stop', []) };
}

export async function declareInThread(task: Omit<ClientTask, 'work'>): Promise<void> {
  await startThread({ ...task, work: 'declare' }).result;
}

/** @throws if it takes too long */
export async function drainInThread(task: Omit<ClientTask, 'work'>): Promise<Drained> {
  return (await startThread({ ...task, work: 'drain' }).result) as Drained;
}

/** Publishes for so long; `cut` is called then, after which nothing more may be confirmed. @throws if the client fails before */
export async function publishInThread(task: Omit<ClientTask, 'work'>, loadMs: number, cut: () => void): Promise<Published> {
  const { result, stop } = startThread({ ...task, work: 'publish' });
  const loadIsOver = Promise.withResolvers<void>();
  const timer = setTimeout(loadIsOver.resolve, loadMs);
  await Promise.race([loadIsOver.promise, result]).finally(() => clearTimeout(timer));
  cut();
  stop();
  return (await result) as Published;
}
