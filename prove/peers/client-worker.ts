/** A client in a thread of its own: whatever a server that comes back from a power cut does to it, only the thread ends of it. */
import { once } from 'node:events';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
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
export type ClientResult = Published | ReadonlySet<number> | undefined;

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
      return drain(protocol, task);
  }
}

const port = parentPort;
if (port !== null) port.postMessage(await result(workerData as ClientTask, port));
