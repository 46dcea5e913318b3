/** A consumer that settles what it gets in its own manner, and carries on whenever the broker is back. Records what it sees. */
import { type Delivery, Refused, WireClient } from '../support/wire-client.ts';
import type { SeededRandom } from '../support/seeded-random.ts';
import { hashOf, keyOf } from './crash-message.ts';
import type { Door } from './door.ts';
import type { HistoryEvent, Outcome } from './history.ts';

export interface ConsumerOptions {
  readonly client: string;
  /** A queue's name, or the client's own inbox. */
  readonly queue: string;
  readonly prefetch: number;
  /** Messages acknowledged in one frame. */
  readonly list: number;
  /** How likely it gives a message back. */
  readonly nacks: number;
  /** The delay of its nacks, in ms; undefined for at once. */
  readonly nackDelay: number | undefined;
  /** How likely it vanishes at a message, without a word. */
  readonly vanishes: number;
  /** Comes only when all crashes are over. */
  readonly away: boolean;
  readonly random: SeededRandom;
  readonly door: Door;
  readonly history: HistoryEvent[];
}

/** How long a list that is not full may wait for more, in ms. */
const LIST_WAIT_MS = 5;

export class CrashConsumer {
  static #connections = 0;
  readonly #options: ConsumerOptions;
  #client: WireClient | undefined;
  #connection = 0;
  /** To be acknowledged with the next list. */
  #list: Delivery[] = [];
  #listTimer: NodeJS.Timeout | undefined;
  /** Delivered, and no answer yet to its ack or nack. */
  #open = 0;
  #calm = false;
  #stopping = false;

  constructor(options: ConsumerOptions) {
    this.#options = options;
  }

  get isAway(): boolean {
    return this.#options.away;
  }

  async run(): Promise<void> {
    const { door, history, client } = this.#options;
    while (!this.#stopping) {
      const url = await door.enter();
      const connection = ++CrashConsumer.#connections;
      this.#connection = connection;
      this.#open = 0;
      try {
        this.#client = await WireClient.connect(url, { client, delivered: (delivery) => this.#delivered(connection, delivery) });
        history.push({ kind: 'connect', connection });
        this.#subscribe();
        await this.#client.closed;
      } catch {
        // the broker was killed in the meantime
      } finally {
        this.#gone();
        door.leave();
      }
    }
  }

  /** From now on it only acknowledges. */
  calm(): void {
    this.#calm = true;
  }

  stop(): void {
    this.#stopping = true;
    this.#client?.terminate();
  }

  /** Deliveries that it has seen, ever. */
  seen = 0;

  /** Whether nothing waits in its queue and nothing is in its hands. */
  async isIdle(): Promise<boolean> {
    const { queue, prefetch } = this.#options;
    const client = this.#client;
    if (client === undefined) return false;
    const { waiting } = await client.request({ type: 'subscribe', queue, prefetch });
    return waiting === 0 && this.#open === 0;
  }

  #subscribe(): void {
    const { queue, prefetch, history } = this.#options;
    history.push({ kind: 'subscribe', connection: this.#connection, queue, prefetch });
    this.#client?.ask({ type: 'subscribe', queue, prefetch }, (answer) => {
      if (answer instanceof Refused) throw answer;
    });
  }

  #delivered(connection: number, delivery: Delivery): void {
    const { history, random, nacks, nackDelay, vanishes, list } = this.#options;
    if (connection !== this.#connection) return;
    const { queue, id, attempt, body, headers } = delivery;
    this.seen++;
    this.#open++;
    const at = performance.now();
    history.push({ kind: 'delivery', connection, queue, id, attempt, key: keyOf(body), hash: hashOf(body, headers), at });
    if (!this.#calm && random.chance(vanishes)) {
      const client = this.#client;
      this.#gone();
      client?.terminate();
    } else if (!this.#calm && attempt < 4 && random.chance(nacks)) this.#settle('nack', [delivery], nackDelay);
    else {
      this.#list.push(delivery);
      if (this.#list.length >= list) this.#ackList();
      else this.#listTimer ??= setTimeout(() => this.#ackList(), LIST_WAIT_MS);
    }
  }

  #ackList(): void {
    clearTimeout(this.#listTimer);
    this.#listTimer = undefined;
    if (this.#list.length > 0) this.#settle('ack', this.#list.splice(0), undefined);
  }

  #settle(kind: 'ack' | 'nack', deliveries: readonly Delivery[], delay: number | undefined): void {
    const { history } = this.#options;
    const connection = this.#connection;
    const at = performance.now();
    const [only] = deliveries;
    for (const { queue, id } of deliveries)
      history.push({ kind, connection, queue, id, at, ...(delay === undefined ? {} : { delay }) });
    const which = deliveries.length === 1 && only !== undefined ? { id: only.id } : { ids: deliveries.map(({ id }) => id) };
    this.#client?.ask({ type: kind, ...which, ...(delay === undefined ? {} : { delay }) }, (answer) => {
      const outcome: Outcome = answer instanceof Refused ? 'fail' : answer instanceof Error ? 'info' : 'ok';
      const settled = kind === 'ack' ? 'acked' : 'nacked';
      for (const { queue, id } of deliveries) history.push({ kind: settled, connection, queue, id, outcome });
      if (connection === this.#connection) this.#open -= deliveries.length;
    });
  }

  /** The connection is over: nothing that it still brings counts. */
  #gone(): void {
    if (this.#connection > 0) this.#options.history.push({ kind: 'close', connection: this.#connection });
    this.#connection = 0;
    this.#client = undefined;
    this.#list = [];
    clearTimeout(this.#listTimer);
    this.#listTimer = undefined;
  }
}
