/** Frames that nobody should send, by the million: the codec and a session must say of each what it is, and never throw. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { type Findings, NOTHING_FOUND, type Rig } from '../lib/rig.ts';
import type { FuzzMessage, FuzzTask } from './fuzz-worker.ts';

const INPUTS = 10_000_000;
const INPUTS_QUICK = 200_000;
/** Of them; a session takes some twenty times as long as the codec alone. */
const FOR_SESSIONS = 0.1;
const PROGRESS_EVERY = 1_000_000;

export const fuzz: Rig = {
  id: 'fuzz',
  title: `${INPUTS.toLocaleString('en-US')} hostile frames`,
  description:
    'Valid frames with members changed, doubled, left out or of another type, with characters lost or put in, binary frames with ' +
    'anything in them, and known bad ones. `JSON.parse` says what is JSON at all; the codec must agree, refuse with the code that ' +
    'the frame deserves, and throw nothing. A tenth goes to a session with a broker behind it, together with valid frames about ' +
    'what was delivered: each must be answered, or end the connection, as it deserves.',
  async run({ seed, quick, say }): Promise<Findings> {
    const total = quick ? INPUTS_QUICK : INPUTS;
    const threads = Math.min(availableParallelism(), 8);
    const violations: string[] = [];
    let inputs = 0;
    let refused = 0;
    let ofSessions = 0;
    let next = PROGRESS_EVERY;
    const run = (target: FuzzTask['target'], thread: number): Promise<void> =>
      new Promise((resolve, reject) => {
        const share = target === 'session' ? FOR_SESSIONS : 1 - FOR_SESSIONS;
        const task: FuzzTask = { target, seed: seed + thread, inputs: Math.ceil((total * share) / threads) };
        const worker = new Worker(new URL('./fuzz-worker.ts', import.meta.url), { workerData: task });
        worker.on('message', (message: FuzzMessage) => {
          inputs += message.inputs;
          refused += message.refused;
          if (target === 'session') ofSessions += message.inputs;
          violations.push(...message.faults);
          if (inputs < next) return;
          say(`${inputs.toLocaleString('en-US')} of ${total.toLocaleString('en-US')} inputs`);
          next += PROGRESS_EVERY;
        });
        worker.once('error', reject);
        worker.once('exit', () => resolve());
      });
    for (const target of ['codec', 'session'] as const)
      await Promise.all(Array.from({ length: threads }, (_, thread) => run(target, thread)));
    return { ...NOTHING_FOUND, violations, details: { inputs, 'of them to sessions': ofSessions, refused } };
  },
};
