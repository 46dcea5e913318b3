/** A client that sends itself so many messages a second, and notes how long each took. */
import { percentileOf } from '../../bench/lib/statistics.ts';
import { type Delivery, WireClient } from '../../test/support/wire-client.ts';

const PER_SECOND = 200;
const TICK_MS = 5;

interface Sample {
  readonly sentAt: number;
  readonly tookMs: number;
}

export class PacedClient {
  sent = 0;
  readonly #client: WireClient;
  readonly #samples: Sample[] = [];
  readonly #timer: NodeJS.Timeout;

  static async open(url: string): Promise<PacedClient> {
    const client: WireClient = await WireClient.connect(url, {
      client: 'paced',
      delivered: (delivery) => paced.#delivered(delivery),
    });
    await client.subscribe();
    const paced = new PacedClient(client);
    return paced;
  }

  private constructor(client: WireClient) {
    this.#client = client;
    const startedAt = performance.now();
    this.#timer = setInterval(() => {
      // what is due after a late tick was due before it
      for (; this.sent < ((performance.now() - startedAt) * PER_SECOND) / 1000; this.sent++) {
        const body = { sentAt: startedAt + (this.sent * 1000) / PER_SECOND };
        client.ask({ type: 'publish', queue: '@paced', body }, () => undefined);
      }
    }, TICK_MS);
  }

  /** From publish to delivery, of what was sent between the two times, in ms. */
  p99(from: number, to: number): number {
    const chosen = this.#samples.filter(({ sentAt }) => sentAt >= from && sentAt < to);
    return percentileOf(
      chosen.map(({ tookMs }) => tookMs),
      0.99,
    );
  }

  /** Resolves with how many of its messages did not come. */
  async end(): Promise<number> {
    clearInterval(this.#timer);
    await this.#client.request({ type: 'publish', queue: '@paced', body: { sentAt: performance.now() } });
    this.sent++;
    await this.#client.request({ type: 'ping' });
    await this.#client.close();
    return this.sent - this.#samples.length;
  }

  #delivered(delivery: Delivery): void {
    const { sentAt } = JSON.parse(String(delivery.body)) as { readonly sentAt: number };
    this.#samples.push({ sentAt, tookMs: performance.now() - sentAt });
    this.#client.ask({ type: 'ack', id: delivery.id }, () => undefined);
  }
}
