/** A publisher that keeps a window of frames under way, and carries on whenever the broker is back. Records what it sees. */
import { type Answered, Refused, WireClient } from '../support/wire-client.ts';
import type { SeededRandom } from '../support/seeded-random.ts';
import { type CrashMessage, hashOf } from './crash-message.ts';
import type { Door } from './door.ts';
import type { HistoryEvent, Outcome } from './history.ts';

/** One frame's worth of messages. */
export interface Shipment {
  readonly messages: readonly ShippedMessage[];
  /** The frame has `messages`, all or none. */
  readonly batch: string | undefined;
  /** Sent again until there is an answer; every message then has an id. */
  readonly retried: boolean;
}

export interface ShippedMessage {
  readonly message: CrashMessage;
  readonly id: string | undefined;
  readonly destination: Readonly<Record<string, unknown>>;
  readonly queues: readonly string[];
}

export interface PublisherOptions {
  readonly name: string;
  /** Frames under way at a time. */
  readonly window: number;
  /** Shipment number n. */
  readonly make: (n: number, random: SeededRandom) => Shipment;
  readonly random: SeededRandom;
  readonly door: Door;
  readonly history: HistoryEvent[];
}

export class CrashPublisher {
  readonly #options: PublisherOptions;
  /** Sent and not answered, oldest first. */
  readonly #unanswered = new Set<Shipment>();
  #made = 0;
  #stopping = false;
  #client: WireClient | undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Resolves some time after `stop`, when there is nothing left to be answered. */
  async run(): Promise<void> {
    const { door, name } = this.#options;
    while (!this.#stopping || this.#unanswered.size > 0) {
      const url = await door.enter();
      try {
        this.#client = await WireClient.connect(url, { client: name });
        for (const shipment of this.#unanswered) this.#send(shipment);
        this.#fill();
        await this.#client.closed;
      } catch {
        // the broker was killed in the meantime
      } finally {
        this.#client = undefined;
        door.leave();
      }
    }
  }

  stop(): void {
    this.#stopping = true;
    this.#closeIfDone();
  }

  #fill(): void {
    const { make, random, window } = this.#options;
    while (!this.#stopping && this.#client !== undefined && this.#unanswered.size < window)
      this.#send(make(++this.#made, random));
    this.#closeIfDone();
  }

  #closeIfDone(): void {
    if (this.#stopping && this.#unanswered.size === 0) this.#client?.terminate();
  }

  #send(shipment: Shipment): void {
    const { history, name } = this.#options;
    this.#unanswered.add(shipment);
    for (const { message, id, queues } of shipment.messages) {
      history.push({
        kind: 'publish',
        publisher: name,
        key: message.key,
        queues,
        hash: hashOf(message.body, message.headers),
        ...(id === undefined ? {} : { id }),
        ...(shipment.batch === undefined ? {} : { batch: shipment.batch }),
      });
    }
    this.#ship(shipment, (answer) => {
      const lost = answer instanceof Error && !(answer instanceof Refused);
      const outcome = answer instanceof Refused ? 'fail' : lost ? 'info' : 'ok';
      const ids = answer instanceof Error ? [] : shipment.batch === undefined ? [answer['id']] : (answer['ids'] as unknown[]);
      this.#answered(shipment, outcome, ids);
    });
  }

  #answered(shipment: Shipment, outcome: Outcome, ids: readonly unknown[]): void {
    for (const [i, { message }] of shipment.messages.entries()) {
      const id = ids[i];
      this.#options.history.push({ kind: 'published', key: message.key, outcome, ...(typeof id === 'string' ? { id } : {}) });
    }
    if (outcome === 'info' && shipment.retried) return;
    this.#unanswered.delete(shipment);
    if (outcome !== 'info') this.#fill();
  }

  #ship(shipment: Shipment, answered: Answered): void {
    const [only] = shipment.messages;
    const client = this.#client;
    if (client === undefined || only === undefined) return;
    if (shipment.batch !== undefined) {
      const messages = shipment.messages.map((shipped) => textOf(shipped)).join(',');
      client.askWithText({ type: 'publish' }, { messages: `[${messages}]` }, answered);
    } else if (typeof only.message.body === 'string') {
      const { body, headers } = only.message;
      client.askWithText({ type: 'publish', ...fieldsOf(only) }, headers === undefined ? { body } : { headers, body }, answered);
    } else client.askWithBytes({ type: 'publish', ...fieldsOf(only) }, only.message.body, answered);
  }
}

function fieldsOf({ destination, id }: ShippedMessage): Readonly<Record<string, unknown>> {
  return id === undefined ? destination : { ...destination, id };
}

function textOf(shipped: ShippedMessage): string {
  const { body, headers } = shipped.message;
  const fields = JSON.stringify(fieldsOf(shipped)).slice(0, -1);
  return `${fields}${headers === undefined ? '' : `,"headers":${headers}`},"body":${String(body)}}`;
}
