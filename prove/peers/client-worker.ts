/** A client in a thread of its own: whatever a server that comes back from a power cut does to it, only the thread ends of it. */
import { once } from 'node:events';
import process from 'node:process';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { Protocol } from '../../bench/lib/protocol.ts';
import { protocolNamed } from '../../bench/protocols/index.ts';
import { drain, publishUntil, type Published, type Round } from './client.ts';
import { streams } from './stream-protocol.ts';

export interface ClientTask extends Round {
  readonly work: 'declare' | 'publish' | 'drain';
  /** As the bench calls it, or `streams`. */
  readonly protocol: string;
  readonly window: number;
}

/** Of `declare`, nothing. */
export type ClientResult = Published | Drained | undefined;

export interface Drained {
  readonly came: ReadonlySet<number>;
  /** What it ended with before it was through. */
  readonly failure: string | undefined;
}

async function result(task: ClientTask, port: MessagePort): Promise<ClientResult> {
  const protocol = task.protocol === 'streams' ? streams : protocolNamed(task.protocol);
  switch (task.work) {
    case 'declare':
      await protocol.declareQueue(task.port, task.queue);
      return undefined;
    case 'publish':
      // the only message there is: the end
      return publishUntil(
        protocol,
        task,
        task.window,
        once(port, 'message').then(() => undefined),
      );
    case 'drain':
      return drained(protocol, task, port);
  }
}

/** What came before a failure has been taken out of the queue: it must not be forgotten. */
async function drained(protocol: Protocol, task: ClientTask, port: MessagePort): Promise<Drained> {
  const came = new Set<number>();
  const failed = (error: Error): Drained => ({ came, failure: error.message });
  process.once('uncaughtException', (error) => port.postMessage(failed(error)));
  try {
    await drain(protocol, task, came);
    return { came, failure: undefined };
  } catch (error) {
    return failed(error instanceof Error ? error : new Error(String(error)));
  }
}

const port = parentPort;
if (port !== null) port.postMessage(await result(workerData as ClientTask, port));
