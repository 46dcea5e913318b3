/** Leaves a broker as empty as it was before a run. Its costs are nobody's. */
import type { Load } from '../lib/load.ts';

export interface DeleteQueues {
  readonly port: number;
  readonly queues: readonly string[];
}

/** The number of queues. */
export const deleteQueues: Load<DeleteQueues> = async (protocol, { port, queues }) => {
  for (const queue of queues) await protocol.deleteQueue(port, queue);
  return { value: queues.length, messages: queues.length };
};
