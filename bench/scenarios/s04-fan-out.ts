/** S4: one topic, a thousand clients connected. */
import { loadedSystem } from '../lib/loaded-system.ts';
import type { BenchOptions, Contender, Scenario } from '../lib/scenario.ts';
import { type System, systemsFor } from '../lib/system.ts';
import { compared, PEERS } from '../lib/targets.ts';
import { bareFanOut } from '../systems/bare-fan-out.ts';
import { holdfast } from '../systems/holdfast.ts';

const SUBSCRIBERS = 1000;
const MESSAGES = 200;
/** A few, so that the server always has something to do. */
const WINDOW = 8;

export const fanOutToThousand: Scenario = {
  id: 's4',
  title: 'A topic with 1,000 connected inboxes',
  description:
    'One publisher and 1,000 connected clients, the inbox of each bound to the topic. 200 messages of 256 bytes a run, a new one ' +
    'whenever there is one less than 8 that not everybody has been given; every client acknowledges every message by itself. ' +
    'Ends when the broker has taken the last ack of each. Beside it a `ws` server that keeps nothing: it sends one text of the ' +
    'same length to every socket and reads an ack from each.',
  unit: 'deliveries/s',
  better: 'more',
  warmUpRounds: 3,
  rounds: 7,
  contenders: (options) =>
    [holdfast, bareFanOut, ...systemsFor('topics', options.peers)].map((system) => fannedOut(options, system)),
  targets: [
    compared({ text: '≥ 0.5 × a bare ws loop', of: holdfast.title, with: /^bare ws loop/, better: 'more', atLeast: 0.5 }),
    compared({ text: '≥ Mosquitto', of: holdfast.title, with: PEERS.mosquitto, better: 'more', atLeast: 1 }),
  ],
};

function fannedOut({ directory, scale }: BenchOptions, system: System): Contender {
  return loadedSystem({
    system,
    directory,
    runOf: (port) => ({
      load: 'fan-out',
      protocol: system.protocol,
      port,
      topic: 'news',
      subscribers: Math.ceil(SUBSCRIBERS * scale),
      messages: MESSAGES,
      window: WINDOW,
      bodies: { kind: 'same', bytes: 256 },
    }),
  });
}
