/** Invariants 5, 7, 8, 11 and 12: what may be delivered when, to whom, with which attempt. */
import type { Delivered, HistoryEvent, Settle, Settled, Subscribe } from './history.ts';
import type { Report } from './violation.ts';

/** A message in one queue. */
interface Place {
  attempt: number;
  /** The connection that has it in its hands. */
  holder: number | undefined;
  /** Crashes before its last delivery. */
  crashes: number;
  acknowledged: boolean;
  /** An ack was sent whose answer never came: it may be settled. */
  mayBeSettled: boolean;
  /** Not to come before this time, in ms, since its nack was confirmed. */
  notBefore: number;
}

interface Subscription {
  prefetch: number;
  readonly held: Set<string>;
}

/** By how much a delay may seem shorter than it was: the clocks of two processes round, in ms. */
const DELAY_TOLERANCE_MS = 2;

export class DeliveryRules {
  count = 0;
  again = 0;
  acknowledged = 0;
  readonly #report: Report;
  readonly #places = new Map<string, Place>();
  readonly #connections = new Map<number, Map<string, Subscription>>();
  /** Delays of nacks that were sent and not answered yet. */
  readonly #delays = new Map<string, number>();
  #crashes = 0;

  constructor(report: Report) {
    this.#report = report;
  }

  see(event: HistoryEvent): void {
    switch (event.kind) {
      case 'subscribe':
        return this.#subscribe(event);
      case 'delivery':
        return this.#delivery(event);
      case 'ack':
      case 'nack':
        return this.#settle(event);
      case 'acked':
        return this.#acked(event);
      case 'nacked':
        return this.#nacked(event);
      case 'close':
        return this.#close(event.connection);
      case 'crash':
        this.#crashes++;
        return undefined;
      case 'publish':
      case 'published':
      case 'connect':
        return undefined;
      default:
        return event satisfies never;
    }
  }

  /** It was acknowledged, or it may have been. */
  isSettled(queue: string, id: string): boolean {
    const place = this.#places.get(`${queue} ${id}`);
    return place !== undefined && (place.acknowledged || place.mayBeSettled);
  }

  #subscribe({ connection, queue, prefetch }: Subscribe): void {
    let subscriptions = this.#connections.get(connection);
    if (subscriptions === undefined) {
      subscriptions = new Map<string, Subscription>();
      this.#connections.set(connection, subscriptions);
    }
    const known = subscriptions.get(queue);
    if (known === undefined) subscriptions.set(queue, { prefetch, held: new Set() });
    else known.prefetch = prefetch;
  }

  #delivery(delivery: Delivered): void {
    const { connection, queue, id, attempt, at } = delivery;
    const name = `${queue} ${id}`;
    this.count++;
    this.#inHands(connection, queue, name);
    const place = this.#places.get(name);
    if (place === undefined) {
      this.#places.set(name, {
        attempt,
        holder: connection,
        crashes: this.#crashes,
        acknowledged: false,
        mayBeSettled: false,
        notBefore: 0,
      });
      return;
    }
    this.again++;
    const again = `${id} came again from ${queue}`;
    if (place.acknowledged) this.#report({ invariant: 5, kind: 'duplicated', text: `${again} after its ack was confirmed` });
    if (place.holder !== undefined)
      this.#report({ invariant: 8, kind: 'duplicated', text: `${again}, to ${connection}, while ${place.holder} held it` });
    const least = this.#crashes > place.crashes ? Math.max(place.attempt, 2) : place.attempt + 1;
    if (attempt < least)
      this.#report({ invariant: 7, kind: 'miscounted', text: `${again} as attempt ${attempt}, after attempt ${place.attempt}` });
    if (at < place.notBefore - DELAY_TOLERANCE_MS)
      this.#report({ invariant: 11, kind: 'miscounted', text: `${again} ${place.notBefore - at} ms before its delay was over` });
    place.attempt = attempt;
    place.holder = connection;
    place.crashes = this.#crashes;
    place.mayBeSettled = false;
    place.notBefore = 0;
  }

  #inHands(connection: number, queue: string, name: string): void {
    const subscription = this.#connections.get(connection)?.get(queue);
    if (subscription === undefined) {
      this.#report({
        invariant: 12,
        kind: 'invented',
        text: `${queue} delivered to ${connection}, which had not subscribed to it`,
      });
      return;
    }
    subscription.held.add(name);
    if (subscription.held.size > subscription.prefetch) {
      const text = `${connection} held ${subscription.held.size} of ${queue}, its prefetch being ${subscription.prefetch}`;
      this.#report({ invariant: 12, kind: 'miscounted', text });
    }
  }

  #settle({ kind, connection, queue, id, delay, at }: Settle): void {
    const name = `${queue} ${id}`;
    const place = this.#places.get(name);
    this.#connections.get(connection)?.get(queue)?.held.delete(name);
    if (place === undefined || place.holder !== connection) return;
    place.holder = undefined;
    place.mayBeSettled = kind === 'ack';
    if (kind === 'nack' && delay !== undefined) this.#delays.set(name, at + delay);
  }

  #acked({ queue, id, outcome }: Settled): void {
    const place = this.#places.get(`${queue} ${id}`);
    if (place === undefined || outcome === 'info') return;
    if (outcome === 'fail') place.mayBeSettled = false;
    else if (!place.acknowledged) {
      place.acknowledged = true;
      this.acknowledged++;
    }
  }

  #nacked({ queue, id, outcome }: Settled): void {
    const name = `${queue} ${id}`;
    const place = this.#places.get(name);
    const until = this.#delays.get(name);
    this.#delays.delete(name);
    // the next delivery may have overtaken the answer on another connection: then the delay is that one's business no more
    if (place !== undefined && until !== undefined && outcome === 'ok' && place.holder === undefined) place.notBefore = until;
  }

  #close(connection: number): void {
    for (const subscription of this.#connections.get(connection)?.values() ?? []) {
      for (const name of subscription.held) {
        const place = this.#places.get(name);
        if (place?.holder === connection) place.holder = undefined;
      }
    }
    this.#connections.delete(connection);
  }
}
