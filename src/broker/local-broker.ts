/** The broker that keeps its queues in one store on this machine: puts the parts together and opens sessions. */
import type { QueueSettings, Recovered, Store } from '../store/store.ts';
import { type Broker, type Opened, type OpenRequest, type Outlet } from './broker.ts';
import { ClientSession, inboxOf } from './client-session.ts';
import type { Clock } from './clock.ts';
import { type BrokerLimits, type Core, type Dispatching, ReadyMemory, type Space } from './core.ts';
import { Deadlines } from './deadlines.ts';
import { BrokerError } from './errors.ts';
import { Journal } from './journal.ts';
import { type FillRandom, MessageIds } from './message-ids.ts';
import { Namespace } from './namespace.ts';
import { Publisher } from './publisher.ts';
import { REACH_STRIDE } from './queue.ts';
import { QueueTable } from './queue-table.ts';
import { Reads } from './reads.ts';

export interface LocalBrokerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly fillRandom: FillRandom;
  readonly limits: BrokerLimits;
  /** Settings of a queue that is made by its first use. */
  readonly defaults: QueueSettings;
  readonly dedupWindowMs: number;
  readonly idleUnloadMs: number;
  /** Bytes of changes not yet durable, past which the broker is `saturated`. */
  readonly uncommittedBytesMax: number;
  readonly space: Space;
  /** A commit failed: nothing will be confirmed any more, the process must end. */
  readonly failed: (error: unknown) => void;
}

/** Seqs reserved at a time: one small write for so many messages. */
const RESERVE_STRIDE = 2 ** 20;
/** Namespaces in memory, from which on those that nobody uses are let go. */
const NAMESPACES_MAX = 1000;

interface World {
  readonly namespace: Namespace;
  readonly publisher: Publisher;
  /** Live sessions by client name. */
  readonly sessions: Map<string, ClientSession>;
}

export class LocalBroker implements Broker {
  readonly #core: Core;
  readonly #table: QueueTable;
  readonly #worlds = new Map<string, World>();
  readonly #touched: Dispatching[] = [];
  #nextSeq: number;
  #reservedSeq: number;
  #closing = false;

  static async start(options: LocalBrokerOptions): Promise<LocalBroker> {
    return new LocalBroker(options, await options.store.recover());
  }

  private constructor(options: LocalBrokerOptions, recovered: Recovered) {
    const { store, clock, fillRandom, limits, defaults, dedupWindowMs, idleUnloadMs, uncommittedBytesMax, space, failed } =
      options;
    const deadlines = new Deadlines(clock);
    const journal = new Journal({ store, clock, deadlines, uncommittedBytesMax, committed: () => this.#serveTouched(), failed });
    this.#core = {
      store,
      clock,
      limits,
      defaults,
      dedupWindowMs,
      idleUnloadMs,
      journal,
      reads: new Reads(store, (error) => void journal.fail(error)),
      deadlines,
      ids: new MessageIds(fillRandom),
      memory: new ReadyMemory(),
      space,
      nextSeq: () => this.#takeSeq(),
      touched: (queue) => this.#touch(queue),
    };
    this.#table = new QueueTable(this.#core, recovered.queue);
    this.#nextSeq = recovered.seq;
    this.#reservedSeq = recovered.seq;
  }

  get saturated(): boolean {
    return this.#core.journal.saturated;
  }

  onRelief(relieved: () => void): void {
    this.#core.journal.onRelief(relieved);
  }

  async open(request: OpenRequest, outlet: Outlet): Promise<Opened> {
    if (this.#closing) throw new BrokerError('draining', 'the broker is shutting down; connect again');
    const world = this.#world(request.namespace);
    const { sessions } = world;
    const client = request.client ?? this.#core.ids.clientName();
    const older = sessions.get(client);
    const unacked = older?.unackedInbox ?? 0;
    older?.end();
    older?.outlet.takenOver();
    const session: ClientSession = new ClientSession(this.#core, world, client, request, outlet, () => {
      if (sessions.get(client) === session) sessions.delete(client);
    });
    sessions.set(client, session);
    const resumed = request.client === undefined ? false : await session.openInbox();
    return { session, resumed, inbox: { queue: inboxOf(client), waiting: session.inbox?.waiting ?? 0, unacked } };
  }

  flushed(): Promise<void> {
    return this.#core.journal.durable();
  }

  async close(): Promise<void> {
    this.#closing = true;
    for (const { sessions } of this.#worlds.values()) for (const session of sessions.values()) session.end();
    this.#core.reads.close();
    await this.#core.journal.durable();
    this.#table.unloadAll();
    await this.#core.journal.durable();
    this.#core.deadlines.stop();
    await this.#core.store.close();
  }

  #world(name: string): World {
    const known = this.#worlds.get(name);
    if (known !== undefined) return known;
    if (this.#worlds.size >= NAMESPACES_MAX) {
      for (const [other, { namespace, sessions }] of this.#worlds)
        if (namespace.isIdle && sessions.size === 0) this.#worlds.delete(other);
    }
    const namespace = new Namespace(name, this.#core, this.#table);
    const world = {
      namespace,
      publisher: new Publisher(this.#core, namespace, this.#table),
      sessions: new Map<string, ClientSession>(),
    };
    this.#worlds.set(name, world);
    return world;
  }

  /**
   * Every seq in use, and every reach of a queue, stays below the reserved one, so that a restart can begin there. Staged before
   * the change that takes the seq, so never later in the store.
   */
  #takeSeq(): number {
    if (this.#nextSeq + 2 * REACH_STRIDE >= this.#reservedSeq) {
      this.#reservedSeq = this.#nextSeq + RESERVE_STRIDE;
      this.#core.journal.stage({ kind: 'reserve', seq: this.#reservedSeq }, 0, () => undefined);
    }
    return this.#nextSeq++;
  }

  #touch(queue: Dispatching): void {
    if (queue.isTouched) return;
    queue.isTouched = true;
    this.#touched.push(queue);
  }

  #serveTouched(): void {
    for (const queue of this.#touched) {
      queue.isTouched = false;
      queue.dispatch();
    }
    this.#touched.length = 0;
  }
}
