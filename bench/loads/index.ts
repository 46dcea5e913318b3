/** The loads by the names that runs call them by. */
import { backlog } from './backlog.ts';
import { deleteQueues } from './delete-queues.ts';
import { drain } from './drain.ts';
import { fanOut } from './fan-out.ts';
import { idle } from './idle.ts';
import { manyQueues } from './many-queues.ts';
import { paced } from './paced.ts';
import { publish } from './publish.ts';
import { queue } from './queue.ts';
import { returningClients } from './returning-clients.ts';

export const loads = {
  backlog,
  'delete-queues': deleteQueues,
  drain,
  'fan-out': fanOut,
  idle,
  'many-queues': manyQueues,
  paced,
  publish,
  queue,
  'returning-clients': returningClients,
};

type Loads = typeof loads;

/** One line to a driver: a load, the protocol it is to be spoken in (a name of `protocols/index.ts`), and the load's parameters. */
export type Run = {
  [Name in keyof Loads]: { readonly load: Name; readonly protocol: string } & Parameters<Loads[Name]>[1];
}[keyof Loads];
