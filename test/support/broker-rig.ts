/** A broker without sockets: manual clock, memory store, and clients that are asked directly. */
import { randomFillSync } from 'node:crypto';
import type {
  Delivery,
  Opened,
  Outlet,
  Published,
  PublishRequest,
  Reply,
  Session,
  Subscribed,
  SubscribeRequest,
  Wait,
} from '../../src/broker/broker.ts';
import type { Clock } from '../../src/broker/clock.ts';
import type { BrokerLimits, Space } from '../../src/broker/core.ts';
import { BrokerError } from '../../src/broker/errors.ts';
import { LocalBroker } from '../../src/broker/local-broker.ts';
import { MemoryDisk } from '../../src/store/memory/memory-disk.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import type { QueueSettings, Store } from '../../src/store/store.ts';
import { ManualClock } from './manual-clock.ts';

export interface RigOptions {
  readonly limits?: Partial<BrokerLimits>;
  readonly defaults?: Partial<QueueSettings>;
  readonly dedupWindowMs?: number;
  readonly idleUnloadMs?: number;
  readonly uncommittedBytesMax?: number;
  /** Put between the broker and the memory store. */
  readonly wrap?: (store: Store) => Store;
  readonly fillRandom?: (bytes: Uint8Array) => void;
  readonly space?: Space;
}

export const LEASE_MS = 60_000;
export const IDLE_MS = 600_000;

const LIMITS: BrokerLimits = {
  readyMessagesMax: 1000,
  readyBytesMax: 1024 * 1024,
  readyTotalBytesMax: 16 * 1024 * 1024,
  unackedMax: 10_000,
  subscriptionsMax: 100,
  queuesLoadedMax: 10_000,
  routesMax: 10_000,
};

export class BrokerRig {
  readonly clock = new ManualClock();
  readonly disk = new MemoryDisk();
  /** What the broker was told about its store. */
  readonly failures: unknown[] = [];
  readonly #options: RigOptions;
  #broker: LocalBroker | undefined;
  /** The clock of the broker that runs. */
  #process: Clock = this.clock.start();

  private constructor(options: RigOptions) {
    this.#options = options;
  }

  static async start(options: RigOptions = {}): Promise<BrokerRig> {
    const rig = new BrokerRig(options);
    await rig.startAgain();
    return rig;
  }

  get broker(): LocalBroker {
    if (this.#broker === undefined) throw new Error('the broker does not run');
    return this.#broker;
  }

  /** On what the last one left behind. Without a `stop` before it, the last one has crashed: nothing of it goes on. */
  async startAgain(): Promise<void> {
    const {
      limits,
      defaults,
      dedupWindowMs = 300_000,
      idleUnloadMs = IDLE_MS,
      uncommittedBytesMax = 1e9,
      wrap,
      fillRandom,
      space = { isLow: false },
    } = this.#options;
    this.#process = this.clock.start();
    const memory = new MemoryStore(this.disk);
    const starting = LocalBroker.start({
      fillRandom: fillRandom ?? randomFillSync,
      store: wrap?.(memory) ?? memory,
      clock: this.#process,
      limits: { ...LIMITS, ...limits },
      defaults: { leaseMs: LEASE_MS, backoffMs: [], ...defaults },
      dedupWindowMs,
      idleUnloadMs,
      uncommittedBytesMax,
      space,
      failed: (error) => this.failures.push(error),
    });
    this.#broker = await this.until(starting);
  }

  /** When so many turns of the broker that runs now are over; never, when it crashes before. */
  async turns(count: number): Promise<void> {
    const clock = this.#process;
    for (let i = 0; i < count; i++) await new Promise<void>((resolve) => clock.afterTurn(resolve));
  }

  async stop(): Promise<void> {
    await this.until(this.broker.close());
    this.#broker = undefined;
  }

  /** In good order. */
  async restart(): Promise<void> {
    await this.stop();
    await this.startAgain();
  }

  /** A client with this name; undefined for a made-up one. */
  async client(name?: string, options: { readonly namespace?: string; readonly graceMs?: number } = {}): Promise<RigClient> {
    const { namespace = 'default', graceMs = 0 } = options;
    const outlet = new FakeOutlet();
    const opened = await this.until(this.broker.open({ namespace, client: name, graceMs }, outlet));
    return new RigClient(this, opened, outlet);
  }

  settle(): Promise<void> {
    return this.clock.settle();
  }

  advance(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  /** Lets turns pass, at this time, until that is done. */
  async until<T>(wanted: Promise<T>): Promise<T> {
    const [result] = await Promise.all([wanted, this.settle()]);
    return result;
  }
}

export class FakeOutlet implements Outlet {
  writable = true;
  over = false;
  readonly deliveries: Delivery[] = [];

  deliver(delivery: Delivery): void {
    this.deliveries.push(delivery);
  }

  takenOver(): void {
    this.over = true;
  }
}

type Destination = { readonly queue: string } | { readonly topic: string } | { readonly topics: readonly string[] };
export type Message = Destination & Partial<Omit<PublishRequest, 'queue' | 'topics'>>;

export function request(message: Message): PublishRequest {
  const topics = 'topics' in message ? message.topics : 'topic' in message ? [message.topic] : undefined;
  return {
    body: message.body ?? '"hello"',
    binary: message.binary ?? false,
    id: message.id,
    headers: message.headers,
    delayMs: message.delayMs ?? 0,
    replyTo: message.replyTo,
    correlation: message.correlation,
    exceptSelf: message.exceptSelf ?? false,
    queue: 'queue' in message ? message.queue : undefined,
    topics,
  };
}

/** Verbs as promises that let turns pass. Those that end with `Soon` do not: they answer when somebody else lets turns pass. */
export class RigClient {
  readonly session: Session;
  readonly opened: Opened;
  readonly outlet: FakeOutlet;
  readonly #rig: BrokerRig;
  #taken = 0;
  #wait: Wait;

  constructor(rig: BrokerRig, opened: Opened, outlet: FakeOutlet) {
    this.#rig = rig;
    this.session = opened.session;
    this.opened = opened;
    this.outlet = outlet;
  }

  /** Deliveries that were not asked for yet. */
  take(): Delivery[] {
    const taken = this.outlet.deliveries.slice(this.#taken);
    this.#taken = this.outlet.deliveries.length;
    return taken;
  }

  /** Their bodies. */
  bodies(): string[] {
    return this.take().map(({ message }) => message.body);
  }

  /** As `body×attempt`. */
  attempts(): string[] {
    return this.take().map(({ message, attempt }) => `${message.body}×${attempt}`);
  }

  async publish(message: Message): Promise<Published> {
    const [published] = await this.publishAll([message]);
    if (published === undefined) throw new Error('no answer for the message');
    return published;
  }

  publishAll(messages: readonly Message[]): Promise<readonly Published[]> {
    return this.#rig.until(this.publishAllSoon(messages));
  }

  /** Waits for the publishes before it when the broker says so, as a connection does. */
  async publishAllSoon(messages: readonly Message[]): Promise<readonly Published[]> {
    while (this.#wait !== undefined) await this.#wait;
    return answered((reply) => {
      this.#wait = this.session.publish(messages.map(request), reply)?.finally(() => {
        this.#wait = undefined;
      });
    });
  }

  /** Numbers as bodies, each in a frame of its own. */
  async publishNumbers(queue: string, from: number, to: number): Promise<void> {
    const all: Promise<unknown>[] = [];
    for (let n = from; n <= to; n++) all.push(this.publishAllSoon([{ queue, body: String(n) }]));
    await this.#rig.until(Promise.all(all));
  }

  subscribe(target: Partial<SubscribeRequest> = {}): Promise<Subscribed> {
    const { queue, topic, prefetch = 100, autoAck = false } = target;
    return this.#rig.until(this.session.subscribe({ queue, topic, prefetch, autoAck }));
  }

  unsubscribe(queue?: string, topic?: string): Promise<void> {
    return this.#rig.until(this.session.unsubscribe({ queue, topic }));
  }

  ack(...deliveries: readonly Delivery[]): Promise<number> {
    return this.#rig.until(answered((reply) => this.session.ack(held(deliveries), reply)));
  }

  nack(deliveries: readonly Delivery[], delayMs?: number): Promise<number> {
    return this.#rig.until(answered((reply) => this.session.nack(held(deliveries), delayMs, reply)));
  }

  extend(deliveries: readonly Delivery[], ms: number): Promise<number> {
    return this.#rig.until(answered((reply) => this.session.extend(held(deliveries), ms, reply)));
  }

  declare(queue: string, settings: Partial<QueueSettings>): Promise<QueueSettings> {
    return this.#rig.until(this.session.declare(queue, settings));
  }

  bind(queue: string, filter: string): Promise<void> {
    return this.#rig.until(this.session.bind(queue, filter));
  }

  unbind(queue: string, filter: string): Promise<void> {
    return this.#rig.until(this.session.unbind(queue, filter));
  }

  async end(): Promise<void> {
    this.session.end();
    await this.#rig.settle();
  }
}

const held = (deliveries: readonly Delivery[]) => ({ ids: deliveries.map(({ message }) => message.id), queue: undefined });

/** What a verb answers; rejects with the error that it was refused with. */
function answered<Result>(ask: (reply: Reply<Result>) => void): Promise<Result> {
  return new Promise((resolve, reject) => {
    ask((result) => (result instanceof BrokerError ? reject(result) : resolve(result)));
  });
}
