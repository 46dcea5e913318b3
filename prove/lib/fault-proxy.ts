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

export class FaultProxy {
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
    const pair = new Pair(client, upstream, () => this.#pairs.delete(pair));
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
  readonly #sides: readonly [Socket, Socket];
  readonly #gone: Promise<void>;
  /** Bytes that may still pass, by direction. */
  readonly #left = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  #stalled = false;

  constructor(client: Socket, upstream: Socket, gone: () => void) {
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
    if (fault.kind === 'reset') this.reset();
    if (fault.kind === 'cut') {
      for (const direction of this.#left.keys()) this.#left[direction] = random.between(0, fault.bytesMax);
      setTimeout(() => this.#end(), CUT_MS_MAX);
    }
    if (fault.kind === 'stall') {
      this.#stalled = true;
      for (const side of this.#sides) side.pause();
      setTimeout(() => this.reset(), fault.ms);
    }
    await this.#gone;
  }

  reset(): void {
    for (const side of this.#sides) side.resetAndDestroy();
  }

  #end(): void {
    for (const side of this.#sides) side.destroy();
  }

  #pass(from: Socket, to: Socket, direction: number): void {
    from.on('data', (bytes) => {
      const left = this.#left[direction] ?? 0;
      const passing = bytes.subarray(0, left);
      this.#left[direction] = left - passing.length;
      if (!to.write(passing)) from.pause();
      if (passing.length < bytes.length) this.#end();
    });
    to.on('drain', () => {
      if (!this.#stalled) from.resume();
    });
    from.on('end', () => to.end());
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
  }
}
