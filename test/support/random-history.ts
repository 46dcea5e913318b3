/** Makes a random history: clients that come, go, publish, consume, settle and vanish, a broker that crashes and restarts. */
import type { Published, PublishRequest } from '../../src/broker/broker.ts';
import { BrokerError } from '../../src/broker/errors.ts';
import type { Store } from '../../src/store/store.ts';
import { BrokerRig, request as requestOf } from './broker-rig.ts';
import { BurstStore } from './burst-store.ts';
import { FaultyStore, type StoreFaults } from './faulty-store.ts';
import { HistoryModel, type Publishing } from './history-model.ts';
import { Actor } from './random-actor.ts';
import { SeededRandom } from './seeded-random.ts';

const LEASE_MS = 1000;
const EXTENSION_MS_MAX = 3000;
const NAMES = ['ann', 'bob', 'cy'] as const;
const QUEUES = ['q', 'r', 'd'] as const;

export interface HistoryOptions {
  readonly seed: number;
  /** The steps that are taken, by their numbers, in rising order: what each does depends on its number and the seed alone. */
  readonly steps: readonly number[];
}

/** Which store the broker that runs now has, and whether it does what it should from the next start on. */
interface Disk {
  readonly store?: FaultyStore;
  calm: boolean;
}

/** Steps from 0 on. */
export function allSteps(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

export class RandomHistory {
  readonly rig: BrokerRig;
  readonly model = new HistoryModel(LEASE_MS);
  #random: SeededRandom;
  readonly #disk: Disk;
  readonly #actors: Actor[] = [];
  #connections = 0;
  #batches = 0;
  #violation: Error | undefined;

  private constructor(rig: BrokerRig, random: SeededRandom, disk: Disk) {
    this.rig = rig;
    this.#random = random;
    this.#disk = disk;
  }

  /** Throws what it finds wrong. The same options give the same history, byte for byte: see `HistoryModel.log`. */
  static async run({ seed, steps }: HistoryOptions): Promise<HistoryModel> {
    const random = new SeededRandom(seed);
    const disk = random.fork();
    const speed = random.pick(['quick', 'slow', 'bursts'] as const);
    const isFaulty = random.chance(0.3);
    const stage: { rig?: BrokerRig; store?: FaultyStore; calm: boolean } = { calm: !isFaulty };
    const rig = await BrokerRig.start({
      limits: {
        readyMessagesMax: random.pick([1, 2, 4, 1000]),
        readyBytesMax: random.pick([2, 8, 1e6]),
        readyTotalBytesMax: random.pick([4, 1e6]),
        unackedMax: random.pick([2, 5, 100]),
        queuesLoadedMax: random.pick([1, 3, 100]),
        routesMax: random.pick([1, 100]),
      },
      defaults: { leaseMs: LEASE_MS, backoffMs: random.pick([[], [0, 50], [1]]) },
      idleUnloadMs: random.pick([20, 100_000]),
      wrap(store) {
        const working = storeOf(speed, store, () => slowly(stage.rig, disk));
        stage.store = new FaultyStore(working, stage.calm ? {} : faultsOf(disk));
        return stage.store;
      },
      fillRandom: (bytes) => bytes.forEach((_, i) => (bytes[i] = random.between(0, 255))),
    });
    stage.rig = rig;
    const history = new RandomHistory(rig, random, stage);
    for (const step of steps) {
      history.#random = stepRandom(seed, step);
      await history.#step();
    }
    history.#random = stepRandom(seed, -1);
    await history.#finish();
    return history.model;
  }

  /** Violations are thrown from the middle of the broker: they are kept and thrown again where the test sees them. */
  check(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#violation ??= error instanceof Error ? error : new Error(String(error));
    }
  }

  async #step(): Promise<void> {
    const random = this.#random;
    if (this.#disk.store?.isDown === true) await this.#restart(false);
    const kind = random.between(0, 99);
    if (kind < 30) this.#publish();
    else if (kind < 45) this.#settle();
    else if (kind < 58) this.#subscribe();
    else if (kind < 61) this.#unsubscribe();
    else if (kind < 62) this.#intrude();
    else if (kind < 75) this.#connect();
    else if (kind < 80) this.#vanish();
    else if (kind < 84) this.#extend();
    else if (kind < 88) this.#toggle();
    else if (kind < 92) await this.rig.advance(random.pick([1, 10, 60, 500, 1100]));
    else if (kind < 94) this.rig.clock.leap(random.pick([1, 30, 1100]));
    else if (kind < 97) await this.#restart(random.chance(0.3));
    await this.#pass();
    this.#report();
  }

  /** Some ticks, some turns, or all that there is to do. */
  async #pass(): Promise<void> {
    const kind = this.#random.between(0, 9);
    if (kind < 3) for (let i = 0; i < kind * 2; i++) await Promise.resolve();
    else if (kind < 7) for (let i = 3; i < kind; i++) await this.rig.clock.turn();
    else await this.rig.settle();
  }

  #report(): void {
    if (this.#violation !== undefined) throw this.#violation;
  }

  #live(): Actor | undefined {
    const live = this.#actors.filter(({ over, session, busy }) => !over && !busy && session !== undefined);
    return live[this.#random.between(0, Math.max(live.length - 1, 0))];
  }

  #connect(): void {
    const graceMs = this.#random.pick([0, 0, 200]);
    const actor = new Actor(this, this.#connections++, this.#random.pick(NAMES), graceMs);
    this.#actors.push(actor);
    const { broker } = this.rig;
    const epoch = this.model.epoch;
    void broker.open({ namespace: 'default', client: actor.name, graceMs }, actor).then(({ session }) => {
      if (epoch === this.model.epoch && !actor.over) actor.session = session;
    }, ignoreRefusal);
  }

  #vanish(): void {
    const actor = this.#live();
    if (actor === undefined) return;
    actor.leave();
    actor.session?.end();
  }

  #publish(): void {
    const actor = this.#live();
    if (actor?.session === undefined) return;
    const random = this.#random;
    const batch = this.#batches++;
    const publishings: Publishing[] = [];
    const requests: PublishRequest[] = [];
    for (let left = random.pick([1, 1, 1, 3]); left > 0; left--) {
      const queue = random.chance(0.15) ? undefined : random.pick([...QUEUES, `@${actor.name}`]);
      const delayMs = queue === 'd' && random.chance(0.8) ? random.between(1, 80) : 0;
      const due = delayMs === 0 ? 0 : this.rig.clock.now() + delayMs;
      const publishing = this.model.publish({ publisher: actor.number, queue, due, batch });
      publishings.push(publishing);
      const destination = queue === undefined ? { topic: 't.x' } : { queue };
      requests.push(requestOf({ ...destination, body: String(publishing.number), delayMs }));
    }
    this.#send(actor, publishings, requests);
  }

  #send(actor: Actor, publishings: readonly Publishing[], requests: readonly PublishRequest[]): void {
    const epoch = this.model.epoch;
    const wait = actor.session?.publish(requests, (result: readonly Published[] | BrokerError) => {
      if (epoch !== this.model.epoch) return;
      for (const publishing of publishings) publishing.outcome = result instanceof BrokerError ? 'fail' : 'ok';
    });
    if (wait === undefined) return;
    actor.busy = true;
    void wait.then(() => {
      actor.busy = false;
    });
  }

  #subscribe(): void {
    const actor = this.#live();
    if (actor?.session === undefined) return;
    const random = this.#random;
    const target = random.pick(['q', 'r', 'd', '@', 't.#'] as const);
    const queue = target === '@' || target === 't.#' ? `@${actor.name}` : target;
    const to = { connection: actor.number, prefetch: random.pick([1, 2, 5, 50]), autoAck: random.chance(0.1) };
    const known = actor.subscriptions.get(queue);
    // a prefetch that is lowered may be exceeded by what is held already
    if (known !== undefined && (to.prefetch < known.prefetch || to.autoAck !== known.autoAck)) return;
    actor.subscriptions.set(queue, to);
    this.model.returned(actor.name, queue);
    actor.busy = true;
    const request = {
      queue: target === '@' || target === 't.#' ? undefined : target,
      topic: target === 't.#' ? target : undefined,
    };
    void actor.session.subscribe({ ...request, prefetch: to.prefetch, autoAck: to.autoAck }).then(
      ({ waiting }) => {
        actor.busy = false;
        this.check(() => {
          if (waiting < 0) throw new Error(`${waiting} messages wait in ${queue}`);
        });
      },
      (error: unknown) => {
        actor.busy = false;
        ignoreRefusal(error);
      },
    );
  }

  #unsubscribe(): void {
    const actor = this.#live();
    const queue = [...(actor?.subscriptions.keys() ?? [])][0];
    // what it holds would count for the next subscription, and the broker counts each for itself
    if (actor?.session === undefined || queue === undefined || actor.holdings.length > 0) return;
    const name = queue.startsWith('@') ? undefined : queue;
    actor.subscriptions.delete(queue);
    void actor.session.unsubscribe({ queue: name, topic: undefined }).catch(ignoreRefusal);
  }

  /** Tries to consume what is another's. */
  #intrude(): void {
    const actor = this.#live();
    if (actor?.session === undefined) return;
    const other = `@${this.#random.pick(NAMES)}`;
    if (other === `@${actor.name}`) return;
    void actor.session.subscribe({ queue: other, topic: undefined, prefetch: 1, autoAck: false }).then(
      () =>
        this.check(() => {
          throw new Error(`${actor.name} may consume ${other}`);
        }),
      ignoreRefusal,
    );
  }

  /** Acks or nacks something that an actor holds, or that it held once. */
  #settle(): void {
    const actor = this.#live();
    const index = this.#random.between(0, Math.max((actor?.holdings.length ?? 0) - 1, 0));
    const [held] = actor?.holdings.splice(index, 1) ?? [];
    if (actor?.session === undefined || held === undefined) return;
    const { delivery, holding } = held;
    const now = this.rig.clock.now();
    const isHeld = this.model.isHeld(holding, now);
    const epoch = this.model.epoch;
    const ids = { ids: [delivery.message.id], queue: delivery.queue };
    const isAck = this.#random.chance(0.7);
    const answered = (result: number | BrokerError): void => {
      if (epoch !== this.model.epoch) return;
      if (isAck) this.model.acked(holding, result instanceof BrokerError ? 'fail' : 'ok');
      if (!isHeld || !(result instanceof BrokerError)) return;
      this.check(() => {
        throw new Error(`message ${holding.number} was held, and settling it was refused: ${result.message}`);
      });
    };
    this.model.released(holding);
    if (isAck && isHeld) this.model.acked(holding, 'info');
    if (isAck) actor.session.ack(ids, answered, this.#random.chance(0.5));
    else actor.session.nack(ids, this.#random.pick([undefined, 0, 1, 70]), answered);
  }

  #extend(): void {
    const actor = this.#live();
    const held = actor?.holdings[0];
    if (actor?.session === undefined || held === undefined) return;
    const ms = this.#random.pick([1, 100, EXTENSION_MS_MAX]);
    const leaseEnd = this.rig.clock.now() + ms;
    actor.session.extend({ ids: [held.delivery.message.id], queue: held.delivery.queue }, ms, (result) => {
      if (!(result instanceof BrokerError)) held.holding.leaseEnd = leaseEnd;
    });
  }

  #toggle(): void {
    const actor = this.#live();
    if (actor === undefined) return;
    actor.writable = !actor.writable;
    if (actor.writable) actor.session?.resume();
  }

  async #restart(inGoodOrder: boolean): Promise<void> {
    if (inGoodOrder && this.#disk.calm) {
      // what was asked is answered first, as the server sees to it
      await this.rig.settle();
      for (const actor of this.#actors) actor.leave();
      await this.rig.restart();
      this.model.forgetHolders();
    } else {
      for (const actor of this.#actors) {
        actor.over = true;
        actor.crashed = true;
      }
      this.model.crashed();
      await this.rig.startAgain();
    }
    this.#actors.length = 0;
  }

  /** Everybody is there and takes everything, until nothing is left; then the books must be right. */
  async #finish(): Promise<void> {
    const wasFaulty = !this.#disk.calm;
    this.#disk.calm = true;
    if (wasFaulty) await this.#restart(false);
    else if (this.#random.chance(0.7)) await this.#restart(this.#random.chance(0.5));
    else await this.#stall();
    await this.rig.advance(100);
    for (const name of NAMES) await this.#drain(name, name === 'ann' ? ['@ann', ...QUEUES] : [`@${name}`]);
    this.#report();
    this.model.audit();
    for (const { name, ledger } of this.rig.disk.queues.values())
      if (ledger.accepted !== ledger.acknowledged) throw new Error(`${name} is left with ${JSON.stringify(ledger)}`);
  }

  /** Nobody acknowledges or takes anything any more: what they hold is free again when its leases are over. */
  async #stall(): Promise<void> {
    for (const actor of this.#actors) actor.writable = false;
    await this.rig.advance(LEASE_MS + EXTENSION_MS_MAX);
  }

  async #drain(name: string, queues: readonly string[]): Promise<void> {
    const actor = new Actor(this, this.#connections++, name, 0);
    const { session } = await this.rig.until(this.rig.broker.open({ namespace: 'default', client: name, graceMs: 0 }, actor));
    for (const queue of queues) {
      actor.subscriptions.set(queue, { connection: actor.number, prefetch: 2, autoAck: false });
      this.model.returned(name, queue);
      const { waiting } = await this.rig.until(session.subscribe({ queue, topic: undefined, prefetch: 2, autoAck: false }));
      const record = [...this.rig.disk.queues.values()].find((each) => each.name === queue);
      const depth = record === undefined ? 0 : record.ledger.accepted - record.ledger.acknowledged;
      if (waiting !== depth) throw new Error(`${queue} says that ${waiting} wait, and ${depth} do`);
    }
    for (let idle = 0; idle < 3; idle++) {
      await this.rig.advance(1);
      for (const { delivery, holding } of actor.holdings.splice(0)) {
        idle = 0;
        this.model.released(holding);
        session.ack({ ids: [delivery.message.id], queue: delivery.queue }, (result) =>
          this.model.acked(holding, result instanceof BrokerError ? 'fail' : 'ok'),
        );
      }
    }
    await this.rig.settle();
    this.#report();
  }
}

function stepRandom(seed: number, step: number): SeededRandom {
  return new SeededRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(step + 2, 0x85ebca6b)).fork();
}

function storeOf(speed: 'quick' | 'slow' | 'bursts', store: Store, delay: () => Promise<void>): Store {
  if (speed === 'slow') return new FaultyStore(store, { delay });
  return speed === 'bursts' ? new BurstStore(store, delay) : store;
}

/** Falls silent at one of its next commits, written or not, or fails there. */
function faultsOf(random: SeededRandom): StoreFaults {
  const commit = random.between(3, 40);
  if (random.chance(0.3)) return { failAtCommit: commit };
  return { crashAtCommit: commit, crashAfterWrite: random.chance(0.5) };
}

/** A disk that takes a while, and sometimes long. */
async function slowly(rig: BrokerRig | undefined, random: SeededRandom): Promise<void> {
  await rig?.turns(random.between(0, 3));
  if (random.chance(0.1)) rig?.clock.leap(random.between(1, 40));
}

function ignoreRefusal(error: unknown): void {
  if (!(error instanceof BrokerError)) throw error;
}
