/**
 * Which queues a topic's messages go to. The store knows all bindings; this keeps the routes of the topics that are being
 * published to, and follows every binding that is committed. Bounded: the route that was made first is forgotten first.
 */
import type { BoundQueue } from '../store/store.ts';
import { filterMatches } from '../store/topic-filter.ts';
import type { Core } from './core.ts';

/** The queues of a topic, each with the filters that bind it. */
export type Route = ReadonlyMap<number, readonly string[]>;

export class Topics {
  readonly #core: Core;
  readonly #namespace: string;
  readonly #bindingsMax: number;
  /** Queues whose removal is staged and not yet durable: the store may still name them, but nothing may go there any more. */
  readonly #leaving = new Set<number>();
  readonly #routes = new Map<string, Map<number, string[]>>();
  readonly #asking = new Map<string, Promise<Route>>();
  #bindings = 0;

  constructor(core: Core, namespace: string) {
    this.#core = core;
    this.#namespace = namespace;
    this.#bindingsMax = core.limits.routesMax;
  }

  get isIdle(): boolean {
    return this.#asking.size === 0;
  }

  /** The topic's route: at once if it is known, else a promise of it. */
  route(topic: string): Route | Promise<Route> {
    return this.#routes.get(topic) ?? this.#asking.get(topic) ?? this.#ask(topic);
  }

  /** A binding has been committed. */
  bound(filter: string, queue: number): void {
    for (const [topic, route] of this.#routes) {
      if (!filterMatches(filter, topic)) continue;
      const filters = route.get(queue);
      if (filters?.includes(filter)) continue;
      if (filters === undefined) route.set(queue, [filter]);
      else filters.push(filter);
      this.#bindings++;
    }
  }

  /** A binding is gone. */
  unbound(filter: string, queue: number): void {
    for (const [topic, route] of this.#routes) {
      const filters = route.get(queue);
      const at = filters?.indexOf(filter) ?? -1;
      if (filters === undefined || at < 0 || !filterMatches(filter, topic)) continue;
      filters.splice(at, 1);
      if (filters.length === 0) route.delete(queue);
      this.#bindings--;
    }
  }

  /** A queue is about to be removed: from here on nothing is published to it. */
  leaving(queue: number): void {
    this.#leaving.add(queue);
    for (const route of this.#routes.values()) {
      this.#bindings -= route.get(queue)?.length ?? 0;
      route.delete(queue);
    }
  }

  /** Its removal has been committed. */
  left(queue: number): void {
    this.#leaving.delete(queue);
  }

  #ask(topic: string): Promise<Route> {
    const asking = this.#core.store.match(this.#namespace, topic).then(
      (bound) => {
        this.#asking.delete(topic);
        return this.#keep(topic, bound);
      },
      (error: unknown) => this.#core.journal.fail(error),
    );
    this.#asking.set(topic, asking);
    return asking;
  }

  #keep(topic: string, bound: readonly BoundQueue[]): Route {
    const route = new Map<number, string[]>();
    for (const { queue, filter } of bound) {
      if (this.#leaving.has(queue)) continue;
      const filters = route.get(queue);
      if (filters === undefined) route.set(queue, [filter]);
      else filters.push(filter);
      this.#bindings++;
    }
    this.#routes.set(topic, route);
    this.#forgetOldest(topic);
    return route;
  }

  #forgetOldest(kept: string): void {
    for (const [topic, route] of this.#routes) {
      if ((this.#bindings <= this.#bindingsMax && this.#routes.size <= this.#bindingsMax / 10) || topic === kept) return;
      this.#routes.delete(topic);
      for (const filters of route.values()) this.#bindings -= filters.length;
    }
  }
}
