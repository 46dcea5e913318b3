/** Clients that watch how a broker treats them while its disk is slow. What is amiss goes into one list of violations. */
import { setTimeout as pause } from 'node:timers/promises';
import { type Delivery, Refused, WireClient } from '../../test/support/wire-client.ts';

const PING_EVERY_MS = 50;
const PING_MS_MAX = 500;
/** Clocks round, in ms. */
const TOLERANCE_MS = 2;
/** Publishes of a probe under way at a time. */
const WINDOW = 10;
/** Of a message of the flood. */
export const CHUNK_BYTES = 64 * 1024;
const CHUNK = JSON.stringify('x'.repeat(CHUNK_BYTES));
/** What a flooding client has sent, beyond what the broker has taken from it. */
const UNSENT_BYTES = 8 * 1024 * 1024;
const PUSH_EVERY_MS = 5;

export class DiskProbes {
  readonly violations: string[] = [];
  pings = 0;
  slowestPingMs = 0;
  confirms = 0;
  slowestConfirmMs = 0;
  floodTries = 0;
  floodConfirmed = 0;
  readonly #clients: WireClient[] = [];
  readonly #pinging: Promise<void>[] = [];
  #syncMs = 0;
  #syncSince = 0;
  /** Those that are still connected. */
  readonly #flooding = new Set<WireClient>();
  #flooded = false;
  #ended = false;

  /** Each sync that begins from now on takes at least so long. */
  syncTakes(ms: number): void {
    this.#syncMs = ms;
    this.#syncSince = performance.now();
  }

  /** A client that sends nothing of its own accord: it lives by answering the broker's pings. */
  async silent(url: string): Promise<void> {
    await this.#connect(url, 'silent');
  }

  /** One that asks all the time whether the broker is there, in both ways. */
  async pinging(url: string): Promise<void> {
    this.#ping(await this.#connect(url, 'pinging'), () => this.#ended);
  }

  /** One that publishes to itself, takes what comes, and pings on the same connection. */
  async working(url: string): Promise<void> {
    const sentAt = new Map<string, number>();
    const delivered = (delivery: Delivery): void => {
      this.#expectSynced(sentAt.get(String(delivery.body)) ?? 0, 'a message was delivered');
      const at = performance.now();
      client.ask({ type: 'ack', id: delivery.id }, (answer) => {
        if (!(answer instanceof Error)) this.#expectSynced(at, 'an ack was confirmed');
      });
    };
    const client = await this.#connect(url, 'working', delivered);
    const publish = (): void => {
      const at = performance.now();
      const body = `"working ${at} ${this.confirms} ${sentAt.size}"`;
      sentAt.set(body, at);
      client.askWithText({ type: 'publish', queue: '@working' }, { body }, (answer) => {
        if (answer instanceof Refused) this.violations.push(`a publish was refused: ${answer.message}`);
        if (answer instanceof Error) return;
        this.confirms++;
        this.slowestConfirmMs = Math.max(this.slowestConfirmMs, performance.now() - at);
        this.#expectSynced(at, 'a publish was confirmed');
        if (!this.#ended) publish();
      });
    };
    await client.subscribe({ prefetch: WINDOW });
    for (let i = 0; i < WINDOW; i++) publish();
    // who publishes is not read any more while too much waits for the disk
    this.#ping(client, () => this.#flooded);
  }

  /** Some that are to flood a queue, which is there when it resolves. */
  async flooding(url: string, queue: string, clients: number): Promise<void> {
    for (let i = 0; i < clients; i++) {
      const client = await this.#connect(url, `flooding-${i}`);
      this.#flooding.add(client);
      void client.closed.then(() => this.#flooding.delete(client));
      if (i === 0) await client.publish({ queue }, 'the first');
    }
    this.floodTries++;
    this.floodConfirmed++;
  }

  /** They push as much as goes into their sockets, for so long. */
  async flood(queue: string, ms: number): Promise<void> {
    this.#flooded = true;
    const until = performance.now() + ms;
    while (performance.now() < until) {
      for (const client of this.#flooding) while (client.unsentBytes < UNSENT_BYTES) this.#push(client, queue);
      await pause(PUSH_EVERY_MS);
    }
  }

  /** Nobody may have been cut off until now; from here on it does not matter. */
  async end(): Promise<void> {
    this.#ended = true;
    await Promise.all(this.#pinging);
    for (const client of this.#clients) client.terminate();
  }

  #push(client: WireClient, queue: string): void {
    this.floodTries++;
    client.askWithText({ type: 'publish', queue }, { body: CHUNK }, (answer) => {
      if (!(answer instanceof Error)) this.floodConfirmed++;
    });
  }

  /** What was sent at that time can't be answered before a sync that began later is over. */
  #expectSynced(sentAt: number, what: string): void {
    const tookMs = performance.now() - sentAt;
    if (sentAt >= this.#syncSince && tookMs < this.#syncMs - TOLERANCE_MS)
      this.violations.push(`${what} ${tookMs.toFixed(0)} ms after it was sent, though a sync takes ${this.#syncMs} ms`);
  }

  async #connect(url: string, name: string, delivered?: (delivery: Delivery) => void): Promise<WireClient> {
    const client = await WireClient.connect(url, { client: name, ...(delivered === undefined ? {} : { delivered }) });
    this.#clients.push(client);
    void client.closed.then((code) => {
      if (!this.#ended) this.violations.push(`${name} was cut off with ${code}`);
    });
    return client;
  }

  #ping(client: WireClient, isOver: () => boolean): void {
    const again = async (kind: string, ping: () => Promise<unknown>): Promise<void> => {
      while (!isOver()) {
        const at = performance.now();
        await ping();
        const tookMs = performance.now() - at;
        this.pings++;
        this.slowestPingMs = Math.max(this.slowestPingMs, tookMs);
        if (tookMs > PING_MS_MAX) this.violations.push(`${kind} was answered after ${tookMs.toFixed(0)} ms`);
        await pause(PING_EVERY_MS);
      }
    };
    const pinging = [
      again('a WebSocket ping', () => client.webSocketPing()),
      again('a ping frame', () => client.request({ type: 'ping' })),
    ];
    this.#pinging.push(...pinging.map((each) => each.catch((error: unknown) => void this.violations.push(String(error)))));
  }
}
