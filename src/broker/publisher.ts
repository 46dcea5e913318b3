/**
 * Takes messages in: finds the queues that they go to, gives each an id and its places, stages them, and moves on when they are
 * durable. The way of a message into a queue is `publish` → `#accept` → the journal → `#committed` → `Queue.accepted`.
 */
import type { MessageAttributes, Placement, Publication, PublishVerdict } from '../store/store.ts';
import { sharedBodyOf } from '../store/store.ts';
import type { Published, PublishRequest, Reply, Wait } from './broker.ts';
import type { Core } from './core.ts';
import { BrokerError } from './errors.ts';
import type { Namespace } from './namespace.ts';
import type { QueueTable } from './queue-table.ts';
import type { Route } from './topics.ts';

/** The session that publishes, as far as its messages show it. */
export interface Sender {
  /** Its name, as receivers see it. */
  readonly from: string | undefined;
  readonly inbox: { readonly id: number } | undefined;
}

/** The ids of the queues that a message goes to. */
type Targets = readonly number[];

export class Publisher {
  readonly #core: Core;
  readonly #namespace: Namespace;
  readonly #table: QueueTable;

  constructor(core: Core, namespace: Namespace, table: QueueTable) {
    this.#core = core;
    this.#namespace = namespace;
    this.#table = table;
  }

  publish(session: Sender, requests: readonly PublishRequest[], reply: Reply<readonly Published[]>): Wait {
    if (this.#core.space.isLow) {
      reply(new BrokerError('disk_full', 'the disk is nearly full: publish again when there is room, or free some'));
      return undefined;
    }
    const targets: (Targets | Promise<Targets>)[] = [];
    let waits = false;
    for (const request of requests) {
      const found = this.#targets(session, request);
      targets.push(found);
      waits ||= found instanceof Promise;
    }
    if (!waits) {
      this.#accept(session, requests, targets as Targets[], reply);
      return undefined;
    }
    return Promise.all(targets.map((found) => Promise.resolve(found))).then(
      (all) => this.#accept(session, requests, all, reply),
      (error: unknown) => {
        if (!(error instanceof BrokerError)) throw error;
        reply(error);
      },
    );
  }

  #targets(session: Sender, request: PublishRequest): Targets | Promise<Targets> {
    if (request.queue !== undefined) {
      const queue = this.#namespace.loaded(request.queue);
      return queue === undefined ? this.#find(request.queue) : [queue.id];
    }
    const except = request.exceptSelf ? session.inbox?.id : undefined;
    const [topic, ...others] = request.topics ?? [];
    const route = topic === undefined ? NO_ROUTE : this.#namespace.topics.route(topic);
    if (others.length === 0 && !(route instanceof Promise)) return union([route], except);
    return Promise.all([topic ?? '', ...others].map(async (each) => this.#namespace.topics.route(each))).then((routes) =>
      union(routes, except),
    );
  }

  async #find(name: string): Promise<Targets> {
    if (!name.startsWith('@')) return [(await this.#namespace.findOrCreate(name)).id];
    const inbox = await this.#namespace.find(name);
    if (inbox === undefined) {
      throw new BrokerError(
        'not_found',
        `there is no inbox ${name}: it is made when the client ${name.slice(1)} connects for the first time`,
      );
    }
    return [inbox.id];
  }

  #accept(
    session: Sender,
    requests: readonly PublishRequest[],
    targets: readonly Targets[],
    reply: Reply<readonly Published[]>,
  ): void {
    const time = Math.floor(this.#core.clock.now());
    const publications: Publication[] = [];
    let bytes = 0;
    for (let i = 0; i < requests.length; i++) {
      const request = requests[i];
      if (request === undefined) continue;
      publications.push(this.#publication(session, request, targets[i] ?? [], time));
      bytes += request.body.length;
    }
    this.#core.journal.stage({ kind: 'publish', publications }, bytes, (verdict) =>
      this.#committed(publications, verdict, reply),
    );
  }

  #publication(session: Sender, request: PublishRequest, targets: Targets, time: number): Publication {
    const placements: Placement[] = [];
    for (const queue of targets) placements.push({ queue, seq: this.#core.nextSeq() });
    const message = {
      id: request.id ?? this.#core.ids.next(time),
      time,
      body: request.body,
      attributes: attributesOf(request, session.from),
    };
    const due = request.delayMs > 0 ? time + request.delayMs : 0;
    if (request.id === undefined || this.#core.dedupWindowMs === 0) return { message, placements, due };
    const destination = request.queue === undefined ? `topic ${(request.topics ?? []).join(' ')}` : `queue ${request.queue}`;
    return {
      message,
      placements,
      due,
      guard: { namespace: this.#namespace.name, destination, since: time - this.#core.dedupWindowMs },
    };
  }

  #committed(
    publications: readonly Publication[],
    verdict: PublishVerdict | undefined,
    reply: Reply<readonly Published[]>,
  ): void {
    if (verdict?.kind === 'conflict') {
      const id = publications[verdict.publication]?.message.id ?? '';
      reply(new BrokerError('conflict', `id ${id} was published before with another body, other headers or another destination`));
      return;
    }
    const published: Published[] = [];
    for (let i = 0; i < publications.length; i++) {
      const publication = publications[i];
      if (publication === undefined) continue;
      const first = verdict?.publications.get(i);
      if (first === undefined) this.#enter(publication);
      published.push({
        id: publication.message.id,
        queues: first?.queues ?? publication.placements.length,
        duplicate: first !== undefined,
      });
    }
    reply(published);
  }

  /** It is durable: the queues that are in memory take it up. */
  #enter(publication: Publication): void {
    const sharedBody = sharedBodyOf(publication);
    for (const { queue, seq } of publication.placements) {
      this.#table.get(queue)?.accepted(seq, publication.message, sharedBody, publication.due);
    }
  }
}

const NO_ROUTE: Route = new Map();

/** The queues of several routes, each once. */
function union(routes: readonly Route[], except: number | undefined): Targets {
  const ids = new Set<number>();
  for (const route of routes) for (const id of route.keys()) if (id !== except) ids.add(id);
  return [...ids];
}

function attributesOf(request: PublishRequest, from: string | undefined): MessageAttributes | undefined {
  const { topics, headers, replyTo, correlation, binary } = request;
  const topic = topics?.[0];
  if (
    topic === undefined &&
    headers === undefined &&
    replyTo === undefined &&
    correlation === undefined &&
    !binary &&
    from === undefined
  ) {
    return undefined;
  }
  return {
    ...(binary ? { binary } : {}),
    ...(topic === undefined ? {} : { topic }),
    ...(from === undefined ? {} : { from }),
    ...(headers === undefined ? {} : { headers }),
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(correlation === undefined ? {} : { correlation }),
  };
}
