/**
 * A load generator as a process of its own: takes one run after the other as JSON lines on stdin, answers each with its rate. One
 * process for each kind of load, so that none runs on code that another one has shaped.
 */
import { createInterface } from 'node:readline';
import { echoLoad } from './echo-load.ts';
import { type QueueLoad, queueLoad } from './queue-load.ts';

export type Run =
  | ({ readonly kind: 'queue' } & QueueLoad)
  | ({ readonly kind: 'echo' } & Omit<QueueLoad, 'queue' | 'prefetch' | 'arrays'>);

/** What is printed for a run. */
export interface Outcome {
  readonly messagesPerSecond: number;
  /** The driver's own, user and system, a message. */
  readonly driverCpuMicroseconds: number;
}

for await (const line of createInterface({ input: process.stdin })) {
  const run = JSON.parse(line) as Run;
  const before = process.cpuUsage();
  const messagesPerSecond =
    run.kind === 'echo' ? await echoLoad(run.port, run.messages, run.window, run.body) : await queueLoad(run);
  const used = process.cpuUsage(before);
  const outcome: Outcome = { messagesPerSecond, driverCpuMicroseconds: (used.user + used.system) / run.messages };
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
}
