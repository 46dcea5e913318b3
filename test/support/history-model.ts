/**
 * What must hold of a history of the broker, whatever happened in it: the safety invariants that its clients can see, checked as
 * each thing happens. Knows of the broker only what a client is told. A violation throws.
 */
import type { Delivery } from '../../src/broker/broker.ts';

export type Outcome = 'ok' | 'fail' | 'info';

export interface Publishing {
  /** Also its body. */
  readonly number: number;
  readonly publisher: number;
  /** Undefined: published to a topic, so to whatever was bound. */
  readonly queue: string | undefined;
  /** Not before this time, in ms. */
  readonly due: number;
  /** All messages of one batch have the same. */
  readonly batch: number;
  readonly epoch: number;
  outcome: Outcome;
}

/** One message in one queue. */
interface Place {
  attempt: number;
  /** Crashes before the last delivery. */
  epoch: number;
  holder: Holding | undefined;
  acked: Outcome | undefined;
  /** For whom it is kept, and until when, in ms. */
  kept: { readonly client: string; readonly until: number } | undefined;
}

export interface Holding {
  readonly connection: number;
  readonly prefetchUsed: boolean;
  readonly queue: string;
  readonly number: number;
  leaseEnd: number;
}

export interface Holder {
  readonly connection: number;
  readonly prefetch: number;
  readonly autoAck: boolean;
}

/** Who was given a delivery. */
export interface Receiver extends Holder {
  readonly client: string;
}

export class HistoryModel {
  /** How many crashes there were. */
  epoch = 0;
  readonly publishings: Publishing[] = [];
  readonly #places = new Map<string, Place>();
  /** The last number that was delivered for the first time, by publisher and queue. */
  readonly #lastFirst = new Map<string, number>();
  readonly #held = new Map<string, Set<Holding>>();
  readonly #leaseMs: number;
  deliveries = 0;
  /** Every delivery, a line each. */
  log = '';

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs;
  }

  publish(fields: Omit<Publishing, 'number' | 'epoch' | 'outcome'>): Publishing {
    const publishing: Publishing = { ...fields, number: this.publishings.length, epoch: this.epoch, outcome: 'info' };
    this.publishings.push(publishing);
    return publishing;
  }

  delivered(delivery: Delivery, to: Receiver, now: number): Holding {
    this.deliveries++;
    const { queue, attempt } = delivery;
    const number = Number(delivery.message.body);
    const what = `message ${number} from ${queue} with attempt ${attempt} to connection ${to.connection}`;
    this.log += `${now} ${what} ${delivery.message.id}\n`;
    const publishing = this.publishings[number];
    if (publishing === undefined) throw new Error(`${what}: nobody published it`);
    if (publishing.outcome === 'fail') throw new Error(`${what}: its publish was refused`);
    if (publishing.queue !== undefined && publishing.queue !== queue) throw new Error(`${what}: it went to ${publishing.queue}`);
    if (now < publishing.due - 1) throw new Error(`${what}: ${publishing.due - now} ms before its time`);
    const place = this.#place(queue, number);
    if (place.acked === 'ok') throw new Error(`${what}: its acknowledgement was confirmed`);
    if (place.holder !== undefined && now < place.holder.leaseEnd)
      throw new Error(`${what}: connection ${place.holder.connection} holds it`);
    if (place.kept !== undefined && place.kept.client !== to.client && now < place.kept.until)
      throw new Error(`${what}: it is kept for ${place.kept.client} for another ${place.kept.until - now} ms`);
    place.kept = undefined;
    this.#checkAttempt(place, publishing, attempt, what);
    if (place.attempt === 0) this.#checkOrder(publishing, queue, what);
    place.attempt = attempt;
    place.epoch = this.epoch;
    const holding = { connection: to.connection, queue, number, prefetchUsed: !to.autoAck, leaseEnd: now + this.#leaseMs };
    if (!to.autoAck) this.#hold(place, holding, to, what, now);
    return holding;
  }

  /** Its client gave it up or lost it: an ack or a nack was sent, its connection ended. */
  released(holding: Holding): void {
    const place = this.#place(holding.queue, holding.number);
    if (place.holder === holding) place.holder = undefined;
    this.#held.get(keyOf(holding))?.delete(holding);
  }

  /** Its client vanished, and has so long to come back for it. */
  kept(holding: Holding, client: string, until: number): void {
    this.#place(holding.queue, holding.number).kept = { client, until };
  }

  /** The client is back and consumes: what was kept for it is its own, or anybody's if it can't take it. */
  returned(client: string, queue: string): void {
    for (const [key, place] of this.#places)
      if (place.kept?.client === client && key.startsWith(`${queue} `)) place.kept = undefined;
  }

  isHeld(holding: Holding, now: number): boolean {
    return this.#place(holding.queue, holding.number).holder === holding && now < holding.leaseEnd;
  }

  acked(holding: Holding, outcome: Outcome): void {
    const place = this.#place(holding.queue, holding.number);
    if (place.acked !== 'ok' && outcome !== 'fail') place.acked = outcome;
  }

  crashed(): void {
    this.epoch++;
    this.forgetHolders();
  }

  forgetHolders(): void {
    for (const place of this.#places.values()) {
      place.holder = undefined;
      place.kept = undefined;
    }
    this.#held.clear();
  }

  /** At the end, when all was drained: nothing confirmed is missing, and no batch is there in part. */
  audit(): void {
    const batches = new Map<number, Set<boolean>>();
    for (const { number, queue, outcome, batch } of this.publishings) {
      if (queue === undefined) continue;
      const isThere = this.#place(queue, number).attempt > 0;
      if (outcome === 'ok' && !isThere) throw new Error(`message ${number} of ${queue} was confirmed and is lost`);
      const there = batches.get(batch) ?? new Set();
      batches.set(batch, there.add(isThere));
      if (there.size > 1) throw new Error(`batch ${batch} is there in part`);
    }
  }

  #checkAttempt(place: Place, publishing: Publishing, attempt: number, what: string): void {
    if (place.attempt > 0 && place.epoch === this.epoch && attempt !== place.attempt + 1)
      throw new Error(`${what}: the last attempt was ${place.attempt}`);
    if (place.attempt > 0 && attempt < Math.max(place.attempt, 2))
      throw new Error(`${what}: the attempt before the crash was ${place.attempt}`);
    if (place.attempt === 0 && publishing.epoch === this.epoch && attempt !== 1)
      throw new Error(`${what}: it was never delivered before`);
  }

  #checkOrder(publishing: Publishing, queue: string, what: string): void {
    if (publishing.due > 0) return;
    const key = `${publishing.publisher} ${queue}`;
    const last = this.#lastFirst.get(key) ?? -1;
    if (last > publishing.number) throw new Error(`${what}: after message ${last} of the same publisher`);
    this.#lastFirst.set(key, publishing.number);
  }

  #hold(place: Place, holding: Holding, to: Holder, what: string, now: number): void {
    place.holder = holding;
    const held = this.#held.get(keyOf(holding)) ?? new Set();
    this.#held.set(keyOf(holding), held.add(holding));
    for (const other of held) if (other.leaseEnd <= now) held.delete(other);
    if (held.size > to.prefetch) throw new Error(`${what}: it holds ${held.size}, its prefetch is ${to.prefetch}`);
  }

  #place(queue: string, number: number): Place {
    const key = `${queue} ${number}`;
    let place = this.#places.get(key);
    if (place === undefined) {
      place = { attempt: 0, epoch: 0, holder: undefined, acked: undefined, kept: undefined };
      this.#places.set(key, place);
    }
    return place;
  }
}

const keyOf = ({ connection, queue }: Holding): string => `${connection} ${queue}`;
