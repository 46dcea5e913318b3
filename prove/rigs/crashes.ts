/** `kill -9` at random moments under load. It shows nothing of fsync: for that there are the power cuts. */
import { BrokerProcess } from '../../test/support/broker-process.ts';
import { crashFindings } from '../lib/crash-findings.ts';
import type { Rig } from '../lib/rig.ts';

const ROUNDS = 1000;
const ROUNDS_QUICK = 20;
const DRAIN_MS = 60_000;

export const crashes: Rig = {
  id: 'crashes',
  title: `${ROUNDS.toLocaleString('en-US')} times kill -9 under load`,
  description:
    'Publishers with queues, rooms, batches and ids of their own that they retry; consumers that acknowledge one by one or in ' +
    'lists, give back, vanish or come only at the end. The broker is killed at a random moment of each round, some starts as well. ' +
    'Then everything drains, the history that the clients saw is checked, and `holdfast check` looks at the database.',
  async run({ seed, quick, say }) {
    const broker = new BrokerProcess([], {});
    const rounds = quick ? ROUNDS_QUICK : ROUNDS;
    try {
      return await crashFindings({
        rounds,
        seed,
        loadMs: [50, 600],
        drainMs: DRAIN_MS,
        broker,
        dataDir: broker.dataDir,
        progress: (done) => (done % 100 === 0 ? say(`${done} of ${rounds} crashes`) : undefined),
      });
    } finally {
      await broker.dispose();
    }
  },
};
