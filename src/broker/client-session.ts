/** The broker's side of one connection: its subscriptions, what it holds, and its verbs. */
import type { QueueSettings, StoredMessage } from '../store/store.ts';
import type {
  HeldMessages,
  OpenRequest,
  Outlet,
  Published,
  PublishRequest,
  Reply,
  Session,
  SubscribeRequest,
  Subscribed,
  Wait,
} from './broker.ts';
import type { Core } from './core.ts';
import type { Consumer, Entry, HeldFrom, Subscriber } from './entry.ts';
import { BrokerError } from './errors.ts';
import type { Namespace } from './namespace.ts';
import type { Publisher, Sender } from './publisher.ts';
import type { Queue } from './queue.ts';

export const inboxOf = (client: string): string => `@${client}`;

export class ClientSession implements Session, Subscriber, Sender {
  readonly client: string;
  readonly outlet: Outlet;
  readonly #core: Core;
  readonly #namespace: Namespace;
  readonly #publisher: Publisher;
  readonly #graceMs: number;
  readonly #over: () => void;
  /** The client has a made-up name: its inbox is made when it is needed and goes with the connection. */
  readonly #transient: boolean;
  #inbox: Queue | undefined;
  #ended = false;
  readonly #consumers = new Map<Queue, Consumer>();
  /** What it holds, by message id; several queues' entries of one id are chained by `sameId`. */
  readonly #held = new Map<string, Entry>();
  #heldCount = 0;

  /** `over` is called once, when the session ends. */
  constructor(
    core: Core,
    place: { namespace: Namespace; publisher: Publisher },
    client: string,
    request: OpenRequest,
    outlet: Outlet,
    over: () => void,
  ) {
    this.#core = core;
    this.#namespace = place.namespace;
    this.#publisher = place.publisher;
    this.#over = over;
    this.client = client;
    this.#graceMs = request.graceMs;
    this.#transient = request.client === undefined;
    this.outlet = outlet;
  }

  get namespace(): string {
    return this.#namespace.name;
  }

  /** Its inbox, once there is one. */
  get inbox(): Queue | undefined {
    return this.#inbox;
  }

  /** Who published, as receivers see it; a made-up name means nothing to them. */
  get from(): string | undefined {
    return this.#transient ? undefined : this.client;
  }

  /** Finds or makes the inbox of a client with a name; true if there was one. */
  async openInbox(): Promise<boolean> {
    const found = await this.#namespace.find(inboxOf(this.client));
    this.#inbox = found ?? (await this.#namespace.findOrCreate(inboxOf(this.client), this.#transient));
    if (found === undefined) await this.#core.journal.durable();
    return found !== undefined;
  }

  publish(messages: readonly PublishRequest[], reply: Reply<readonly Published[]>): Wait {
    return this.#publisher.publish(this, messages, reply);
  }

  ack(held: HeldMessages, reply: Reply<number>, awaited = true): void {
    const entries = this.#find(held);
    if (entries instanceof BrokerError) return reply(entries);
    const [first] = entries;
    if (entries.length === 1 && first !== undefined) return queueOf(first).settle(entries, awaited ? () => reply(1) : undefined);
    const byQueue = Map.groupBy(entries, queueOf);
    let open = byQueue.size;
    const settled = (): void => (--open === 0 ? reply(entries.length) : undefined);
    for (const [queue, group] of byQueue) queue.settle(group, awaited ? settled : undefined);
  }

  nack(held: HeldMessages, delayMs: number | undefined, reply: Reply<number>): void {
    const entries = this.#find(held);
    if (entries instanceof BrokerError) return reply(entries);
    let open = entries.length;
    for (const entry of entries) {
      queueOf(entry).giveBack(entry, delayMs, () => (--open === 0 ? reply(entries.length) : undefined));
    }
  }

  extend(held: HeldMessages, ms: number, reply: Reply<number>): void {
    const entries = this.#find(held);
    if (entries instanceof BrokerError) return reply(entries);
    for (const entry of entries) queueOf(entry).extend(entry, ms);
    reply(entries.length);
  }

  async subscribe(request: SubscribeRequest): Promise<Subscribed> {
    let queue = await this.#queueToConsume(request.queue);
    const { subscriptionsMax } = this.#core.limits;
    if (!this.#consumers.has(queue) && this.#consumers.size >= subscriptionsMax)
      throw new BrokerError('too_large', `a connection may have ${subscriptionsMax} subscriptions (subscriptions-max)`);
    if (request.topic !== undefined) await this.#bind(queue, request.topic);
    else if (queue.isNew) await this.#core.journal.durable();
    // it may have left memory while this was waiting, and nothing may come between this look and the subscription
    while (this.#namespace.loaded(queue.name) !== queue) queue = await this.#queueToConsume(request.queue);
    if (this.#ended) throw new BrokerError('unavailable', 'the session has ended');
    const waiting = queue.waiting;
    const options = { prefetch: request.prefetch, autoAck: request.autoAck };
    const consumer = this.#consumers.get(queue);
    if (consumer === undefined) this.#consumers.set(queue, queue.subscribe(this, options));
    else {
      consumer.options = options;
      // not in this turn, so that the subscriber hears of the change before what it brings
      this.#core.clock.afterTurn(() => queue.offer(consumer));
    }
    return { queue: queue.name, waiting };
  }

  async unsubscribe(target: { readonly queue: string | undefined; readonly topic: string | undefined }): Promise<void> {
    const name = target.queue ?? inboxOf(this.client);
    if (target.topic !== undefined) {
      if (this.#inbox !== undefined) await this.#unbind(this.#inbox, target.topic);
      return;
    }
    const queue = this.#namespace.loaded(name);
    const consumer = queue === undefined ? undefined : this.#consumers.get(queue);
    if (queue === undefined || consumer === undefined)
      throw new BrokerError('not_found', `this connection is not subscribed to ${name}`);
    this.#consumers.delete(queue);
    queue.unsubscribe(consumer);
  }

  async declare(name: string, settings: Partial<QueueSettings>): Promise<QueueSettings> {
    const queue = await this.#own(name, 'declare');
    return new Promise((resolve) => queue.configure(settings, resolve));
  }

  async bind(name: string, filter: string): Promise<void> {
    await this.#bind(await this.#own(name, 'bind'), filter);
  }

  async unbind(name: string, filter: string): Promise<void> {
    this.#refuseForeignInbox(name, 'unbind');
    const queue = await this.#namespace.find(name);
    if (queue !== undefined) await this.#unbind(queue, filter);
  }

  canTake(): boolean {
    return this.outlet.writable && this.#heldCount < this.#core.limits.unackedMax;
  }

  hold(entry: Entry, message: StoredMessage, queue: string): void {
    entry.sameId = this.#held.get(entry.id);
    this.#held.set(entry.id, entry);
    this.#heldCount++;
    this.outlet.deliver({ queue, attempt: entry.attempts, message });
  }

  /** An entry that it held was settled, given back, or its lease ran out. */
  letGo(entry: Entry): void {
    // at the limit none of its consumers stood in line, and only this entry's own is put there again
    if (this.#heldCount-- === this.#core.limits.unackedMax) this.#core.clock.afterTurn(() => this.resume());
    const first = this.#held.get(entry.id);
    if (first === entry) {
      if (entry.sameId === undefined) this.#held.delete(entry.id);
      else this.#held.set(entry.id, entry.sameId);
    } else {
      let before = first;
      while (before !== undefined && before.sameId !== entry) before = before.sameId;
      if (before !== undefined) before.sameId = entry.sameId;
    }
    entry.sameId = undefined;
  }

  resume(): void {
    for (const [queue, consumer] of this.#consumers) queue.offer(consumer);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#over();
    for (const [queue, consumer] of this.#consumers) queue.unsubscribe(consumer);
    this.#consumers.clear();
    this.#giveAllBack();
    if (this.#transient && this.#inbox !== undefined) void this.#namespace.remove(this.#inbox);
  }

  /** How many deliveries of its inbox it holds. */
  get unackedInbox(): number {
    let count = 0;
    for (const entry of this.#heldEntries()) if (queueOf(entry) === this.#inbox) count++;
    return count;
  }

  #giveAllBack(): void {
    const until = this.#core.clock.now() + this.#graceMs;
    for (const entry of this.#heldEntries().toSorted((a, b) => a.seq - b.seq)) {
      const queue = queueOf(entry);
      if (this.#graceMs > 0 && queue !== this.#inbox) queue.reserve(entry, this.client, until);
      else queue.giveBack(entry, 0, () => undefined);
    }
  }

  #heldEntries(): Entry[] {
    const entries: Entry[] = [];
    for (const first of this.#held.values()) {
      for (let entry: Entry | undefined = first; entry !== undefined; entry = entry.sameId) entries.push(entry);
    }
    return entries;
  }

  /** The entries that are meant, or why they can't be: all of them must be held. */
  #find({ ids, queue }: HeldMessages): Entry[] | BrokerError {
    const found: Entry[] = [];
    for (const id of ids) {
      const before = found.length;
      for (let entry = this.#held.get(id); entry !== undefined; entry = entry.sameId) {
        if (queue === undefined || queueOf(entry).name === queue) found.push(entry);
      }
      if (found.length === before) {
        const where = queue === undefined ? '' : ` from ${queue}`;
        return new BrokerError(
          'not_held',
          `this connection does not hold ${id}${where}: it was settled, given back, or its lease ran out`,
        );
      }
    }
    return found;
  }

  async #queueToConsume(name: string | undefined): Promise<Queue> {
    if (name !== undefined && name !== inboxOf(this.client)) {
      this.#refuseForeignInbox(name, 'consume');
      return this.#namespace.findOrCreate(name);
    }
    return this.#ownInbox();
  }

  async #ownInbox(): Promise<Queue> {
    // looked up again if it has left memory since
    const name = inboxOf(this.client);
    const loaded = this.#namespace.loaded(name);
    if (this.#inbox === undefined || loaded !== this.#inbox)
      this.#inbox = loaded ?? (await this.#namespace.findOrCreate(name, this.#transient));
    if (this.#ended && this.#transient) {
      void this.#namespace.remove(this.#inbox);
      throw new BrokerError('unavailable', 'the session has ended');
    }
    return this.#inbox;
  }

  async #own(name: string, verb: string): Promise<Queue> {
    this.#refuseForeignInbox(name, verb);
    return name === inboxOf(this.client) ? this.#ownInbox() : this.#namespace.findOrCreate(name);
  }

  /** Says the same whether or not there is such an inbox. */
  #refuseForeignInbox(name: string, verb: string): void {
    if (name.startsWith('@') && name !== inboxOf(this.client)) {
      throw new BrokerError('forbidden', `only the client ${name.slice(1)} may ${verb} ${name}; you are ${this.client}`);
    }
  }

  #bind(queue: Queue, filter: string): Promise<void> {
    return new Promise((resolve) => {
      queue.stage({ kind: 'bind', namespace: this.namespace, queue: queue.id, filter }, () => {
        this.#namespace.topics.bound(filter, queue.id);
        resolve();
      });
    });
  }

  #unbind(queue: Queue, filter: string): Promise<void> {
    return new Promise((resolve) => {
      queue.stage({ kind: 'unbind', queue: queue.id, filter }, () => {
        this.#namespace.topics.unbound(filter, queue.id);
        resolve();
      });
    });
  }
}

/** The queue an entry is held from. */
function queueOf(entry: Entry): HeldFrom {
  if (entry.holder === undefined) throw new Error(`message ${entry.id} is in nobody's hands`);
  return entry.holder.queue;
}
