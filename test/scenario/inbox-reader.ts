/** A client that reads one queue to its end, acknowledges all, and comes back as often as it must. */
import type { BrokerProcess } from '../support/broker-process.ts';
import { bounded, type Delivery, type WireClient } from '../support/wire-client.ts';
import { aClient } from './stage.ts';

export class InboxReader {
  /** All that it was ever given. */
  readonly given: Delivery[] = [];
  readonly #name: string;
  readonly #target: Readonly<Record<string, unknown>>;
  readonly #ids = new Set<string>();
  #client: WireClient | undefined;
  #grown: (() => void) | undefined;

  constructor(name: string, target: Readonly<Record<string, unknown>>) {
    this.#name = name;
    this.#target = target;
  }

  async connect(broker: BrokerProcess): Promise<void> {
    const client = await aClient(broker, this.#name, { delivered: (delivery) => this.#delivered(client, delivery) });
    this.#client = client;
    await client.subscribe(this.#target);
  }

  async leave(): Promise<void> {
    await this.#client?.close();
  }

  /** Resolves when it has been given so many different messages. */
  async has(count: number, withinMs: number): Promise<void> {
    const grown = async (): Promise<void> => {
      while (this.#ids.size < count) await new Promise<void>((resolve) => (this.#grown = resolve));
    };
    await bounded(grown(), `message ${count} of ${this.#name} (it has ${this.#ids.size})`, withinMs);
  }

  /** How many messages wait for it, when all its acks were answered. */
  async waiting(): Promise<unknown> {
    const target = this.#target['topic'] === undefined ? this.#target : {};
    return (await this.#client?.subscribe(target))?.['waiting'];
  }

  /** Each message once, in the order in which it came first. */
  firsts(): Delivery[] {
    const seen = new Set<string>();
    return this.given.filter(({ id }) => !seen.has(id) && seen.add(id));
  }

  /** Given twice, and the second time not said to be so. */
  unannounced(): string[] {
    const seen = new Set<string>();
    return this.given.filter(({ id, attempt }) => (seen.has(id) ? attempt === 1 : !seen.add(id))).map(({ id }) => id);
  }

  #delivered(client: WireClient, delivery: Delivery): void {
    this.given.push(delivery);
    this.#ids.add(delivery.id);
    client.ask({ type: 'ack', id: delivery.id }, () => undefined);
    this.#grown?.();
  }
}
