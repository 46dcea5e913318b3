/** S5: everybody comes back at once. */
import { loadedSystem } from '../lib/loaded-system.ts';
import type { BenchOptions, Contender, Scenario, Target } from '../lib/scenario.ts';
import { type System, systemsFor } from '../lib/system.ts';
import { compared, PEERS } from '../lib/targets.ts';
import { holdfast } from '../systems/holdfast.ts';

const CLIENTS = 5000;
const MORE_CLIENTS = 10_000;
const WAITING = 10;
/** Slow brokers need minutes before time runs, to make an inbox for each. */
const DEADLINE_MS = 5 * 60_000;
const OWN = nameOf(holdfast, CLIENTS);

export const returningClientsAtOnce: Scenario = {
  id: 's5',
  title: 'Clients that return at once',
  description:
    '5,000 clients with a durable inbox each (Holdfast: a named client; JetStream: a durable consumer; MQTT: a session), in which ' +
    '10 messages of 256 bytes wait. All return, 100 at a time being on their way to a subscription, take what waits and ' +
    'acknowledge each message by itself. From the first connect until the broker has taken the last ack of the last of them. Then ' +
    'the same with 10,000.',
  unit: 's',
  better: 'less',
  warmUpRounds: 1,
  rounds: 3,
  contenders(options) {
    const systems = [holdfast, ...systemsFor('inboxes', options.peers)];
    return [CLIENTS, MORE_CLIENTS].flatMap((clients) => systems.map((system) => returning(options, system, clients)));
  },
  targets: [
    compared({ text: '≤ Mosquitto', of: OWN, with: among(PEERS.mosquitto), better: 'less', atLeast: 1 }),
    compared({ text: '≥ 3 × as fast as RabbitMQ', of: OWN, with: among(PEERS.rabbitMq), better: 'less', atLeast: 3 }),
    compared({ text: '≥ 10 × as fast as JetStream', of: OWN, with: among(PEERS.jetStream), better: 'less', atLeast: 10 }),
    memoryTarget(),
  ],
};

function returning({ directory, scale }: BenchOptions, system: System, clients: number): Contender {
  return loadedSystem({
    system,
    name: nameOf(system, clients),
    directory,
    runOf: (port) => ({
      load: 'returning-clients',
      protocol: system.protocol,
      port,
      clients: Math.ceil(clients * scale),
      waiting: WAITING,
      bodies: { kind: 'same', bytes: 256 },
    }),
    deadlineMs: DEADLINE_MS,
  });
}

function nameOf({ title }: System, clients: number): string {
  return `${title}, ${clients.toLocaleString('en-US')} clients`;
}

/** The peer's contender with 5,000 clients. */
function among(peer: RegExp): RegExp {
  return new RegExp(`${peer.source}.*, 5,000 clients$`);
}

function memoryTarget(): Target {
  return compared({
    text: 'memory ≤ 1/5 of RabbitMQ',
    of: OWN,
    with: among(PEERS.rabbitMq),
    better: 'less',
    atLeast: 5,
    figure: ({ peakMiB }) => peakMiB,
  });
}
