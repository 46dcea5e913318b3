/** Many clients at a time, each with an inbox: they read all that comes, or subscribe and never read, but live on. */
import { WireClient } from '../../test/support/wire-client.ts';
import { RawPeer } from './raw-peer.ts';

/** Connections on their way at a time. */
const PENDING_MAX = 50;
/** Each gives a sign of life as often as this, so that no missing heartbeat ends it, in ms. */
const SIGN_OF_LIFE_MS = 10_000;

export interface CrowdOptions {
  readonly port: number;
  readonly count: number;
  /** The clients are this and a number. */
  readonly name: string;
  readonly stalled: boolean;
}

export class Crowd {
  readonly #options: CrowdOptions;
  readonly #peers: RawPeer[] = [];
  #timer: NodeJS.Timeout | undefined;

  private constructor(options: CrowdOptions) {
    this.#options = options;
  }

  /** Resolves when all have subscribed. */
  static async gather(options: CrowdOptions): Promise<Crowd> {
    const crowd = new Crowd(options);
    await inTurn(options.count, async (i) => void crowd.#peers.push(await member(options, i)));
    let turn = 0;
    crowd.#timer = setInterval(() => crowd.#peers[turn++ % options.count]?.pong(), SIGN_OF_LIFE_MS / options.count);
    return crowd;
  }

  /** How many the broker has cut off, as far as they know. */
  get cut(): number {
    return this.#options.count - this.#peers.filter((peer) => peer.isOpen).length;
  }

  /** All vanish at once. */
  dismiss(): void {
    clearInterval(this.#timer);
    for (const peer of this.#peers) peer.destroy();
  }
}

/** Binds the inbox of each to the topic; they go again. */
export async function bindInboxes(url: string, name: string, count: number, topic: string): Promise<void> {
  await inTurn(count, async (i) => {
    const client = await WireClient.connect(url, { client: `${name}-${i}` });
    await client.subscribe({ topic });
    await client.close();
  });
}

/** The clients in whose inboxes not exactly so many messages are, nobody else being connected as they. */
export async function miscounted(url: string, name: string, count: number, expected: number): Promise<readonly string[]> {
  const wrong: string[] = [];
  await inTurn(count, async (i) => {
    const client = await WireClient.connect(url, { client: `${name}-${i}` });
    const { waiting, unacked } = (await client.welcome)['inbox'] as { readonly waiting: number; readonly unacked: number };
    if (waiting !== expected || unacked !== 0) wrong.push(`${name}-${i}: ${waiting} waiting, ${unacked} unacknowledged`);
    await client.close();
  });
  return wrong;
}

async function member({ port, name, stalled }: CrowdOptions, i: number): Promise<RawPeer> {
  const peer = await RawPeer.open(port, `/?client=${name}-${i}`);
  if (stalled) {
    peer.stall();
    peer.send({ type: 'subscribe' });
    return peer;
  }
  const subscribed = Promise.withResolvers<void>();
  peer.received = (text) => {
    if (text.startsWith('{"type":"ok"')) subscribed.resolve();
  };
  peer.send({ type: 'subscribe', ref: 1, autoAck: true });
  await subscribed.promise;
  return peer;
}

async function inTurn(count: number, work: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: PENDING_MAX }, worker));
}
