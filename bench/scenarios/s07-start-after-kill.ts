/** S7: how long a broker that was killed takes until it serves again. */
import { get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Driver, startDriver } from '../lib/child.ts';
import type { BenchOptions, Contender, Sample, Scenario } from '../lib/scenario.ts';
import { atMost } from '../lib/targets.ts';
import { queueName } from '../loads/backlog.ts';
import { freePort } from '../systems/free-port.ts';
import { holdfast, type HoldfastServer, startHoldfast } from '../systems/holdfast.ts';

const QUEUES = 1_000_000;
const MESSAGES_PER_QUEUE = 10;
/** Each waits for the queue that it makes to be there. */
const PUBLISHERS = 200;
const WINDOW = 10_000;
/** Published right before the kill, so that what is on disk is as a broker at work leaves it. */
const LAST_MESSAGES = 20_000;
const BUILT_WITHIN_MS = 25 * 60_000;
const POLL_MS = 2;
const SECONDS_MAX = 1;
const MEMORY_MB_MAX = 150;
const BODIES = { kind: 'same', bytes: 256 } as const;
const MEMORY = 'resident MB when it has delivered';

export const startAfterKill: Scenario = {
  id: 's7',
  title: 'Start after kill -9',
  description:
    '1,000,000 queues with 10 messages of 256 bytes each. 20,000 messages more are published to another queue, the broker is ' +
    'killed with SIGKILL and started again on the same data: from there until /health/ready answers 200. Then a consumer ' +
    'subscribes to one of the queues and acknowledges a message; the memory is what is resident after that.',
  unit: 's',
  better: 'less',
  warmUpRounds: 0,
  rounds: 5,
  contenders: (options) => [new KilledBroker(options)],
  targets: [
    atMost({
      text: `ready ≤ ${SECONDS_MAX} s`,
      of: holdfast.title,
      figure: ({ value }) => value,
      most: SECONDS_MAX,
      unit: 's',
    }),
    atMost({
      text: `memory ≤ ${MEMORY_MB_MAX} MB`,
      of: holdfast.title,
      figure: ({ details }) => details?.[MEMORY] ?? Number.NaN,
      most: MEMORY_MB_MAX,
      unit: 'MB',
    }),
  ],
};

class KilledBroker implements Contender {
  readonly name = holdfast.title;
  readonly durability = holdfast.durability;
  readonly #directory: string;
  readonly #queues: number;
  #server: HoldfastServer | undefined;
  #driver: Driver | undefined;

  constructor({ directory, scale }: BenchOptions) {
    this.#directory = join(directory, 'killed');
    this.#queues = Math.ceil(QUEUES * scale);
  }

  version(): string | undefined {
    return this.#server?.version;
  }

  async start(): Promise<void> {
    this.#server = await startHoldfast(this.#directory);
    this.#driver = await startDriver();
    await this.#publish('waiting', this.#queues, MESSAGES_PER_QUEUE);
  }

  async run(round: number): Promise<Sample> {
    await this.#publish(`last-${round}`, 1, LAST_MESSAGES);
    await this.#server?.process.kill();
    const port = await freePort();
    const start = performance.now();
    const starting = startHoldfast(this.#directory, { args: ['--port', String(port)] });
    const ready = whenReady(port).then(() => (performance.now() - start) / 1000);
    const [server, seconds] = await Promise.all([starting, ready]);
    this.#server = server;
    const atFirst = performance.now();
    const { driverCpuSeconds } = await this.#driverNow.run({
      load: 'drain',
      protocol: holdfast.protocol,
      port,
      queue: queueName('waiting', Math.floor(this.#queues / 2) + round),
      messages: 1,
      prefetch: 1,
    });
    const firstMs = performance.now() - atFirst;
    return {
      value: seconds,
      messages: 1,
      serverCpuSeconds: server.cpuSeconds(),
      driverCpuSeconds,
      peakMiB: server.peakMiB(),
      details: { 'first delivery and ack ms': firstMs, [MEMORY]: (server.residentMiB() * 1024 * 1024) / 1e6 },
    };
  }

  async stop(): Promise<void> {
    this.#driver?.stop();
    await this.#server?.process.kill();
  }

  get #driverNow(): Driver {
    if (this.#driver === undefined) throw new Error(`${this.name} was not started`);
    return this.#driver;
  }

  async #publish(queue: string, queues: number, messagesPerQueue: number): Promise<void> {
    const port = this.#server?.port ?? 0;
    const load = { queue, queues, messagesPerQueue, publishers: PUBLISHERS, window: WINDOW, bodies: BODIES } as const;
    await this.#driverNow.run({ load: 'backlog', protocol: holdfast.protocol, port, ...load }, { deadlineMs: BUILT_WITHIN_MS });
  }
}

/** Resolves at the first 200. Until then there may be nobody to ask. */
async function whenReady(port: number): Promise<void> {
  while ((await statusOf(port)) !== 200) await pause(POLL_MS);
}

function statusOf(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path: '/health/ready', agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.once('error', () => resolve(undefined));
  });
}
