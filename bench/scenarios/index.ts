/** All scenarios, in the order in which they run. */
import type { Scenario } from '../lib/scenario.ts';
import { oneQueue } from './s01-one-queue.ts';
import { publishing } from './s02-publish.ts';
import { pacedLatency } from './s03-paced.ts';
import { fanOutToThousand } from './s04-fan-out.ts';
import { returningClientsAtOnce } from './s05-returning-clients.ts';
import { deepQueue } from './s06-deep-queue.ts';
import { startAfterKill } from './s07-start-after-kill.ts';
import { slowDisk } from './s08-slow-disk.ts';
import { idleSubscribers } from './s09-idle-subscribers.ts';
import { realBodies } from './s10-real-bodies.ts';
import { manyQueuesAtOnce } from './s11-many-queues.ts';

export const scenarios: readonly Scenario[] = [
  oneQueue,
  publishing,
  pacedLatency,
  fanOutToThousand,
  returningClientsAtOnce,
  deepQueue,
  startAfterKill,
  slowDisk,
  idleSubscribers,
  realBodies,
  manyQueuesAtOnce,
];
