/** A TCP proxy on loopback that breaks what goes through it, at the byte where it is told to. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { SeededRandom } from '../../test/support/seeded-random.ts';

export type Fault =
  /** Some more bytes pass in each direction, most likely to the middle of a frame; then both sides see the end. */
  | { readonly kind: 'cut'; readonly bytesMax: number }
  /** Both sides are reset at once. */
  | { readonly kind: 'reset' }
  /** Nothing passes for a while, then both sides are reset. */
  | { readonly kind: 'stall'; readonly ms: number };

/** How long a cut waits for bytes to pass, in ms. */
const CUT_MS_MAX = 20;

/** How many connections were broken, and in which way. */
export interface FaultCounts {
  cuts: number;
  /** Of the cuts: those that passed the first part of what was being sent, and not the rest. */
  torn: number;
  resets: number;
  stalls: number;
}

export class FaultProxy {
  readonly counts: FaultCounts = { cuts: 0, torn: 0, resets: 0, stalls: 0 };
  readonly #upstreamPort: number;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #down = false;

  constructor(upstreamPort: number) {
    this.#upstreamPort = upstreamPort;
    this.#server = createServer({ noDelay: true }, (client) => this.#accept(client));
  }

  /** Resolves with the port that it listens on. */
  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /** Breaks every connection that there is, each with a fault of its own, and refuses new ones; resolves when all are gone. */
  async breakAll(random: SeededRandom): Promise<void> {
    this.#down = true;
    await Promise.all([...this.#pairs].map((pair) => pair.fail(faultOf(random), random)));
  }

  /**
   * The client with this port vanishes without a word: from now on nothing passes, and the broker's side stays open, whatever the
   * client does. What the broker still sends is taken and thrown away if it `drains`; else it fills the buffers of the kernel, as
   * when a network swallows everything. Returns the port that the broker sees.
   */
  halve(clientPort: number, drains: boolean): number {
    for (const pair of this.#pairs) if (pair.clientPort === clientPort) return pair.halve(drains);
    throw new Error(`no connection comes from port ${clientPort}`);
  }

  /** Takes connections again. */
  mend(): void {
    this.#down = false;
  }

  close(): void {
    for (const pair of this.#pairs) pair.reset();
    this.#server.close();
  }

  #accept(client: Socket): void {
    if (this.#down) return void client.resetAndDestroy();
    const upstream = connect({ port: this.#upstreamPort, host: '127.0.0.1', noDelay: true });
    const pair = new Pair(client, upstream, this.counts, () => this.#pairs.delete(pair));
    this.#pairs.add(pair);
  }
}

function faultOf(random: SeededRandom): Fault {
  const kind = random.pick(['cut', 'cut', 'reset', 'stall'] as const);
  if (kind === 'cut') return { kind, bytesMax: random.pick([1, 10, 100, 1000]) };
  return kind === 'stall' ? { kind, ms: random.between(10, 200) } : { kind };
}

/** A client's connection and its own to the broker. */
class Pair {
  readonly clientPort: number | undefined;
  readonly #sides: readonly [Socket, Socket];
  readonly #gone: Promise<void>;
  /** Bytes that may still pass, by direction. */
  readonly #left = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  readonly #counts: FaultCounts;
  #cutting = false;
  #stalled = false;
  #halved = false;

  constructor(client: Socket, upstream: Socket, counts: FaultCounts, gone: () => void) {
    this.#counts = counts;
    this.clientPort = client.remotePort;
    this.#sides = [client, upstream];
    this.#pass(client, upstream, 0);
    this.#pass(upstream, client, 1);
    this.#gone = new Promise((resolve) => {
      let open = 2;
      for (const side of this.#sides)
        side.once('close', () => {
          if (--open > 0) return;
          gone();
          resolve();
        });
    });
  }

  async fail(fault: Fault, random: SeededRandom): Promise<void> {
    if (fault.kind === 'reset') {
      this.#counts.resets++;
      this.reset();
    }
    if (fault.kind === 'cut') {
      this.#counts.cuts++;
      this.#cutting = true;
      for (const direction of this.#left.keys()) this.#left[direction] = random.between(0, fault.bytesMax);
      setTimeout(() => this.#end(), CUT_MS_MAX);
    }
    if (fault.kind === 'stall') {
      this.#counts.stalls++;
      this.#stalled = true;
      for (const side of this.#sides) side.pause();
      setTimeout(() => this.reset(), fault.ms);
    }
    await this.#gone;
  }

  halve(drains: boolean): number {
    const [, upstream] = this.#sides;
    this.#halved = true;
    this.#stalled = !drains;
    if (drains) upstream.resume();
    else upstream.pause();
    return upstream.localPort ?? 0;
  }

  reset(): void {
    for (const side of this.#sides) side.resetAndDestroy();
  }

  #end(): void {
    for (const side of this.#sides) side.destroy();
  }

  #pass(from: Socket, to: Socket, direction: number): void {
    from.on('data', (bytes) => {
      if (this.#halved) return;
      const left = this.#left[direction] ?? 0;
      const passing = bytes.subarray(0, left);
      this.#left[direction] = left - passing.length;
      if (!to.write(passing)) from.pause();
      if (passing.length === bytes.length) return;
      if (this.#cutting && passing.length > 0) this.#counts.torn++;
      this.#cutting = false;
      this.#end();
    });
    to.on('drain', () => {
      if (!this.#stalled) from.resume();
    });
    from.on('end', () => {
      if (!this.#halved) to.end();
    });
    for (const over of ['error', 'close']) {
      from.on(over, () => {
        if (!this.#halved) to.destroy();
      });
    }
  }
}
