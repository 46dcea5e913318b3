/** Messages that go into a queue by the million, and come out of it: once each, and all of them. */
import { type Delivery, Refused, WireClient } from '../../test/support/wire-client.ts';

const QUEUE = 'backlog';
/** Messages of a frame, published or acknowledged. */
const FRAME_MESSAGES = 100;
/** Frames under way. */
const WINDOW = 8;
const PREFETCH = 2000;
/** How long nothing may come before it is taken for lost. */
const SILENCE_MS_MAX = 20_000;

export class Backlog {
  readonly violations: string[] = [];
  tries = 0;
  confirmed = 0;
  acknowledged = 0;
  readonly #client: WireClient;
  readonly #padding: string;
  /** By the number in a body: whether it came. */
  readonly #came = new Set<number>();
  #list: Delivery[] = [];
  #lastAt = performance.now();

  static async open(url: string, bodyBytes: number): Promise<Backlog> {
    const client: WireClient = await WireClient.connect(url, {
      client: 'backlog',
      delivered: (delivery) => backlog.#delivered(delivery),
    });
    const backlog = new Backlog(client, bodyBytes);
    return backlog;
  }

  private constructor(client: WireClient, bodyBytes: number) {
    this.#client = client;
    this.#padding = 'x'.repeat(bodyBytes);
  }

  /** Publishes as long as `wanted`; resolves when all of it is confirmed. */
  async publish(wanted: (published: number) => boolean): Promise<void> {
    const before = this.tries;
    const line = async (): Promise<void> => {
      while (wanted(this.tries - before)) {
        const messages = Array.from(
          { length: FRAME_MESSAGES },
          () => `{"queue":"${QUEUE}","body":"${this.tries++} ${this.#padding}"}`,
        );
        await this.#ask((answered) =>
          this.#client.askWithText({ type: 'publish' }, { messages: `[${messages.join(',')}]` }, answered),
        );
        this.confirmed += FRAME_MESSAGES;
      }
    };
    await Promise.all(Array.from({ length: WINDOW }, line));
  }

  /** From now on it takes what comes. */
  async take(): Promise<void> {
    await this.#client.subscribe({ queue: QUEUE, prefetch: PREFETCH });
  }

  /** And from now on no more. */
  async leave(): Promise<void> {
    await this.#client.request({ type: 'unsubscribe', queue: QUEUE });
  }

  /** Resolves when all that was confirmed has come and was acknowledged, or nothing comes any more. */
  async drained(): Promise<void> {
    this.#lastAt = performance.now();
    while (this.acknowledged < this.confirmed) {
      await this.#client.request({ type: 'ping' });
      this.#acknowledge();
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (performance.now() - this.#lastAt < SILENCE_MS_MAX) continue;
      this.violations.push(`${this.confirmed - this.acknowledged} messages were confirmed and did not come`);
      return;
    }
  }

  close(): Promise<number> {
    return this.#client.close();
  }

  #delivered(delivery: Delivery): void {
    const number = Number(/^"(\d+) /.exec(String(delivery.body))?.[1]);
    if (this.#came.has(number)) this.violations.push(`message ${number} came twice`);
    if (!(number < this.tries)) this.violations.push(`message ${number} came and was never published`);
    this.#came.add(number);
    this.#lastAt = performance.now();
    if (this.#list.push(delivery) >= FRAME_MESSAGES) this.#acknowledge();
  }

  #acknowledge(): void {
    const ids = this.#list.map(({ id }) => id);
    this.#list = [];
    if (ids.length === 0) return;
    this.#client.ask({ type: 'ack', ids }, (answer) => {
      if (answer instanceof Error) this.violations.push(`an ack was not confirmed: ${answer.message}`);
      else this.acknowledged += ids.length;
    });
  }

  #ask(ask: (answered: (answer: unknown) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      ask((answer) => (answer instanceof Refused || answer instanceof Error ? reject(answer) : resolve()));
    });
  }
}
