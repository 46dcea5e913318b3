/**
 * A queue in memory: who consumes it, what each holds and until when, and what comes back. Which message is next is its
 * backlog's business, what is durable the journal's. A queue is in memory only while it is used.
 *
 * Memory follows the disk: a message leaves or comes back here when the change that says so has been committed. What a client
 * holds ends earlier, when its ack, nack or lost lease is staged: from then on the message is in the journal's hands.
 */
import type { Change, QueueRecord, QueueSettings, StoredMessage } from '../store/store.ts';
import { Backlog } from './backlog.ts';
import type { Core, Dispatching } from './core.ts';
import { Alarm } from './deadlines.ts';
import { Deque } from './deque.ts';
import { bySeq, Consumer, type Entry, type HeldFrom, type Subscriber, type SubscriptionOptions } from './entry.ts';
import { Heap } from './heap.ts';
import { Leases } from './leases.ts';
import { Reservations } from './reservations.ts';

/**
 * How far ahead of its deliveries a queue writes down how far they may have come, in seqs. After a crash the messages in
 * between count one delivery that may not have happened; in exchange a first delivery costs no write of its own.
 */
export const REACH_STRIDE = 65_536;

export class Queue implements HeldFrom, Dispatching {
  readonly id: number;
  readonly name: string;
  /** When somebody last used it, in ms since 1970. */
  usedAt: number;
  /** How often somebody was given it to use. */
  #uses = 0;
  isTouched = false;
  readonly #core: Core;
  #settings: QueueSettings;
  #settingsStaged: QueueSettings;
  /** Messages in the queue: waiting, held, or on their way out. */
  #depth: number;
  #settling = 0;
  /** Changes of this queue that are staged and not yet durable, settlements aside. */
  #pending = 0;
  readonly #reachFloor: number;
  #reach: number;
  #reachStaged: number;
  #backlog: Backlog | undefined;
  readonly #leases: Leases;
  /** Deliveries on their way back at once, until that is durable. */
  #returning: Heap<Entry> | undefined;
  #reservations: Reservations | undefined;
  readonly #consumers = new Set<Consumer>();
  /** Consumers that can take a message, the next one to serve first. */
  readonly #takers = new Deque<Consumer>();

  constructor(core: Core, record: QueueRecord) {
    this.#core = core;
    this.id = record.id;
    this.name = record.name;
    this.usedAt = core.clock.now();
    this.#settings = record.settings;
    this.#settingsStaged = record.settings;
    this.#depth = record.ledger.accepted - record.ledger.acknowledged;
    this.#reachFloor = record.reach;
    this.#reach = record.reach;
    this.#reachStaged = record.reach;
    const alarm = new Alarm(() => this.#expireLeases());
    this.#leases = new Leases(core.deadlines, alarm);
  }

  /** It was made just now, and that is not durable yet. */
  isNew = false;

  /** Messages that are in nobody's hands. */
  get waiting(): number {
    return this.#depth - this.#leases.size - this.#settling;
  }

  /** Nothing here but what the store knows as well. */
  get isIdle(): boolean {
    const busy = this.#consumers.size + this.#leases.size + this.#settling + this.#pending + (this.#reservations?.size ?? 0);
    return busy === 0;
  }

  /** Somebody is given this queue to use it, in this turn. */
  use(): void {
    this.#uses++;
    this.usedAt = this.#core.clock.now();
  }

  /** A message for this queue has been committed. */
  accepted(seq: number, message: StoredMessage, sharedBody: number, due: number): void {
    this.#depth++;
    if (this.#backlog === undefined) return;
    this.#backlog.append(seq, message, sharedBody, due);
    this.#core.touched(this);
  }

  /** Stages a change of this queue, which stays in memory until it is durable. */
  stage(change: Change, then: () => void): void {
    this.#pending++;
    this.#core.journal.stage(change, 0, () => {
      this.#pending--;
      then();
    });
  }

  /** Changes some settings; those that are being changed at the same time by somebody else stay changed. */
  configure(changed: Partial<QueueSettings>, configured: (inForce: QueueSettings) => void): void {
    const settings = { ...this.#settingsStaged, ...changed };
    this.#settingsStaged = settings;
    this.stage({ kind: 'configure', queue: this.id, settings }, () => {
      this.#settings = settings;
      configured(settings);
    });
  }

  subscribe(session: Subscriber, options: SubscriptionOptions): Consumer {
    this.usedAt = this.#core.clock.now();
    this.#backlog ??= new Backlog(this.#core, this.id, this.#reachFloor, () => this.dispatch());
    const consumer = new Consumer(this, session, options);
    if (this.#consumers.size === 0) this.#backlog.resume();
    this.#consumers.add(consumer);
    for (const entry of this.#reservations?.claim(session.client) ?? []) this.#giveTo(consumer, entry);
    // not in this turn, so that the subscriber hears that it is one before its first message
    this.#core.clock.afterTurn(() => this.offer(consumer));
    return consumer;
  }

  unsubscribe(consumer: Consumer): void {
    if (consumer.ended) return;
    consumer.ended = true;
    this.usedAt = this.#core.clock.now();
    this.#consumers.delete(consumer);
    if (this.#consumers.size === 0) this.#backlog?.pause();
  }

  offer(consumer: Consumer): void {
    if (!consumer.waiting && consumer.canTake()) {
      consumer.waiting = true;
      this.#takers.push(consumer);
    }
    this.dispatch();
  }

  /** Gives what is ready to who can take it, in turn. */
  dispatch(): void {
    const backlog = this.#backlog;
    if (backlog === undefined) return;
    for (let consumer = this.#nextTaker(); consumer !== undefined; consumer = this.#nextTaker()) {
      const entry = backlog.peek();
      if (entry?.message === undefined || this.#isOvertaking(entry) || !this.#mayDeliver(entry)) return;
      backlog.take(entry);
      this.#deliver(entry, entry.message, entry.keptFor?.canTake() === true ? entry.keptFor : consumer);
    }
  }

  settle(entries: readonly Entry[], settled?: () => void): void {
    this.#stageSettle(entries, settled);
    this.dispatch();
  }

  giveBack(entry: Entry, delayMs: number | undefined, back: () => void): void {
    this.#takeBack(entry);
    const delay = delayMs ?? this.#backoffMs(entry.attempts);
    if (delay > 0) entry.due = Math.ceil(this.#core.clock.now() + delay);
    this.#stageReturn(entry, () => {
      this.#backlog?.giveBack(entry);
      this.#core.touched(this);
      back();
    });
    this.dispatch();
  }

  reserve(entry: Entry, client: string, until: number): void {
    this.#takeBack(entry);
    this.#stageReturn(entry, () => {
      for (const consumer of this.#consumers) {
        if (consumer.session.client !== client) continue;
        this.#giveTo(consumer, entry);
        this.#core.touched(this);
        return;
      }
      this.#reservations ??= new Reservations(this.#core.deadlines, (released) => this.#released(released));
      this.#reservations.keep(entry, client, until);
    });
  }

  extend(entry: Entry, ms: number): void {
    this.#leases.remove(entry);
    this.#leases.add(entry, this.#core.clock.now() + ms);
  }

  /** A grace does not outlive the broker. */
  forgetReservations(): void {
    this.#reservations?.clear();
  }

  /** Leaves memory, unless it is used in the meantime. A restart after this counts attempts exactly. */
  unload(done: (unloaded: boolean) => void): void {
    if (this.#reachStaged === this.#reachFloor) {
      this.#backlog?.close();
      done(true);
      return;
    }
    const uses = this.#uses;
    this.#stageReach(this.#reachFloor, () => {
      if (this.isIdle && this.#uses === uses) this.unload(done);
      else done(false);
    });
  }

  /** Gone, with all that it held. */
  removed(): void {
    this.#backlog?.close();
    this.#backlog = undefined;
    this.#leases.clear();
    this.forgetReservations();
  }

  #nextTaker(): Consumer | undefined {
    for (let consumer = this.#takers.first(); consumer !== undefined; consumer = this.#takers.first()) {
      if (consumer.canTake()) return consumer;
      consumer.waiting = false;
      this.#takers.shift();
    }
    return undefined;
  }

  /** Its seq must be within the durable reach, so that a crash can't make a second delivery look like a first one. */
  #mayDeliver(entry: Entry): boolean {
    if (entry.seq > this.#reachStaged - REACH_STRIDE / 2) {
      this.#stageReach(entry.seq + REACH_STRIDE, () => this.#core.touched(this));
    }
    return entry.seq <= this.#reach;
  }

  #stageReach(seq: number, then: () => void): void {
    this.#reachStaged = seq;
    // what is about to be taken back counts no longer: a crash may come right after the commit that takes it back
    this.#reach = Math.min(this.#reach, seq);
    this.stage({ kind: 'reach', queue: this.id, seq }, () => {
      this.#reach = seq;
      then();
    });
  }

  #deliver(entry: Entry, message: StoredMessage, consumer: Consumer): void {
    if (this.#takers.size > 1 && consumer === this.#takers.first()) {
      this.#takers.shift();
      this.#takers.push(consumer);
    }
    entry.attempts++;
    entry.message = undefined;
    entry.keptFor = undefined;
    this.#leases.add(entry, this.#core.clock.now() + this.#settings.leaseMs);
    consumer.deliver(entry, message);
    if (consumer.options.autoAck) this.#stageSettle([entry]);
  }

  #takeBack(entry: Entry): void {
    const holder = entry.holder;
    this.#leases.remove(entry);
    holder?.release(entry);
    if (holder !== undefined && !holder.waiting && holder.canTake()) {
      holder.waiting = true;
      this.#takers.push(holder);
    }
  }

  /** For the one who held it when it vanished and is back; anybody's if it can't take it when its turn comes. */
  #giveTo(consumer: Consumer, entry: Entry): void {
    entry.keptFor = consumer;
    this.#backlog?.giveBack(entry);
  }

  #stageSettle(entries: readonly Entry[], settled?: () => void): void {
    for (const entry of entries) this.#takeBack(entry);
    this.#settling += entries.length;
    const { journal } = this.#core;
    const change: Change = { kind: 'settle', queue: this.id, messages: entries };
    const durable = (): void => {
      this.#settling -= entries.length;
      this.#depth -= entries.length;
      settled?.();
    };
    if (settled === undefined) journal.stagePatiently(change, durable);
    else journal.stage(change, 0, durable);
  }

  #stageReturn(entry: Entry, returned: () => void): void {
    if (entry.due <= this.#core.clock.now()) {
      this.#returning ??= new Heap(bySeq);
      this.#returning.push(entry);
    }
    this.stage({ kind: 'return', queue: this.id, seq: entry.seq, attempts: entry.attempts, due: entry.due }, () => {
      this.#returning?.remove(entry);
      returned();
    });
  }

  /** What comes back goes before what is newer. Only a single consumer sees an order, so nobody else has to wait for the commit. */
  #isOvertaking(entry: Entry): boolean {
    const first = this.#returning?.first();
    return first !== undefined && first.seq < entry.seq && this.#consumers.size === 1;
  }

  #released(entries: readonly Entry[]): void {
    for (const entry of entries) this.#backlog?.giveBack(entry);
    this.dispatch();
  }

  #expireLeases(): void {
    for (const entry of this.#leases.expired(this.#core.clock.now())) this.giveBack(entry, 0, () => undefined);
  }

  #backoffMs(attempts: number): number {
    const steps = this.#settings.backoffMs;
    return steps[Math.min(attempts, steps.length) - 1] ?? 0;
  }
}
