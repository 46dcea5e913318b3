/** Peers that vanish without a word: the broker must notice, give what they held to others, and let them come back. */
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { BrokerProcess } from '../../test/support/broker-process.ts';
import { WireClient } from '../../test/support/wire-client.ts';
import { peersOf } from '../lib/broker-sockets.ts';
import { FaultProxy } from '../lib/fault-proxy.ts';
import { type Findings, NOTHING_FOUND, type Rig } from '../lib/rig.ts';
import {
  neverFinish,
  neverSpeak,
  type Place,
  type Session,
  SESSIONS,
  UNFINISHED,
  vanish,
  type Vanished,
} from '../lib/vanishing-peers.ts';

interface Plan {
  /** Options of the broker; the default ones where there are none. */
  readonly options: readonly string[];
  readonly perKind: number;
  /** Until each must be gone, and what it held in other hands, in ms. */
  readonly freedMsMax: number;
}

export interface HalfOpenOptions {
  readonly quick: boolean;
  /** Of the broker. */
  readonly environment?: Readonly<Record<string, string>>;
}

const FULL: Plan = { options: [], perKind: 10, freedMsMax: 60_000 };
/** A tenth of all times. */
const QUICK: Plan = { options: ['--heartbeat', '2s', '--hello-timeout', '3s'], perKind: 2, freedMsMax: 6000 };

/** Of a connection under a name that a vanished peer had, in ms. */
const RETURN_MS_MAX = 5000;
const POLL_MS = 100;

export const halfOpen: Rig = {
  id: 'half-open',
  title: `${FULL.perKind * (SESSIONS.length + UNFINISHED.length + 1)} peers that vanish without a word, each freed within ${FULL.freedMsMax / 1000} s`,
  description:
    'A proxy swallows what goes either way and keeps the side to the broker open. Whether the broker has closed its own side is ' +
    'read from the kernel. The queues have a lease of ten minutes, so that only the end of a connection gives a message back. The ' +
    'full run has the default settings; the short one, for CI, a heartbeat of 2 s and a hello-timeout of 3 s, and a tenth of the time.',
  obstacle: () => (process.platform === 'linux' ? undefined : 'needs Linux, which tells the connections of a process in /proc'),
  run: ({ quick }) => halfOpenFindings({ quick }),
};

export async function halfOpenFindings({ quick, environment = {} }: HalfOpenOptions): Promise<Findings> {
  const plan = quick ? QUICK : FULL;
  const broker = new BrokerProcess(plan.options, environment);
  let proxy: FaultProxy | undefined;
  let watch: Watch | undefined;
  try {
    await broker.start();
    const brokerPort = Number(new URL(broker.url).port);
    proxy = new FaultProxy(brokerPort);
    const proxyPort = await proxy.listen();
    const publisher = await WireClient.connect(broker.url, { client: 'publisher' });
    watch = new Watch(broker.url, brokerPort, plan);
    await watch.begin();
    const place = { proxy, proxyPort, brokerPort, publisher };
    for (let i = 0; i < plan.perKind; i++) await oneOfEach(place, i, watch);
    return await watch.findings();
  } finally {
    watch?.end();
    proxy?.close();
    await broker.dispose();
  }
}

/** Of each kind, all at about the same time. */
async function oneOfEach(place: Place, i: number, watch: Watch): Promise<void> {
  const add = (vanished: Vanished): void => watch.add(vanished);
  await Promise.all([
    ...UNFINISHED.map((unfinished) => neverFinish(place, unfinished).then(add)),
    neverSpeak(place).then(add),
    ...SESSIONS.map((session, kind) => leave(place, session, `peer-${kind}-${i}`, watch)),
  ]);
}

async function leave(place: Place, session: Session, name: string, watch: Watch): Promise<void> {
  const vanished = await vanish(place, session, name);
  watch.add(vanished);
  if (session.inbox === true) await watch.replace(vanished);
  else await watch.take(vanished);
}

/** Sees when each is freed, and gets what it held. */
class Watch {
  readonly #url: string;
  readonly #brokerPort: number;
  readonly #plan: Plan;
  readonly #vanished: Vanished[] = [];
  /** When, in ms after it vanished. */
  readonly #freedAfterMs = new Map<Vanished, number>();
  /** By message id. */
  readonly #delivered = new Map<string, { readonly at: number; readonly attempt: number; times: number }>();
  readonly #violations: string[] = [];
  #witness: WireClient | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(url: string, brokerPort: number, plan: Plan) {
    this.#url = url;
    this.#brokerPort = brokerPort;
    this.#plan = plan;
  }

  async begin(): Promise<void> {
    this.#witness = await this.#taker('witness');
    this.#timer = setInterval(() => this.#look(), POLL_MS);
  }

  end(): void {
    clearInterval(this.#timer);
  }

  add(vanished: Vanished): void {
    this.#vanished.push(vanished);
  }

  /** Consumes from now on what it left in its queue. */
  async take({ queue }: Vanished): Promise<void> {
    await this.#witness?.subscribe({ queue });
  }

  /** Connects under its name at once: what it held must come to the new connection. */
  async replace({ name = '', kind }: Vanished): Promise<void> {
    const start = performance.now();
    const client = await this.#taker(name);
    await client.subscribe();
    if (performance.now() - start > RETURN_MS_MAX)
      this.#violations.push(`a newer connection of a peer that ${kind} was let in only after ${msSince(start)} ms`);
  }

  async findings(): Promise<Findings> {
    const until = Math.max(...this.#vanished.map(({ at }) => at)) + this.#plan.freedMsMax;
    while (performance.now() < until && !this.#isOver()) await pause(POLL_MS);
    for (const vanished of this.#vanished) this.#judge(vanished);
    for (const vanished of this.#vanished) await this.#comeBack(vanished);
    for (const { socket } of this.#vanished) socket.destroy();
    const ids = this.#vanished.flatMap((vanished) => [...vanished.ids]);
    const lost = ids.filter((id) => !this.#delivered.has(id)).length;
    const duplicated = [...this.#delivered.values()].filter(({ times }) => times > 1).length;
    const counts = { tries: ids.length, confirmed: ids.length, lost, duplicated };
    return { ...NOTHING_FOUND, ...counts, violations: this.#violations, details: this.#details() };
  }

  /** All are freed, and what they held came. */
  #isOver(): boolean {
    return this.#vanished.every((vanished) => this.#freedAfterMs.has(vanished) && this.#missingOf(vanished) === 0);
  }

  #look(): void {
    const open = peersOf(this.#brokerPort);
    for (const vanished of this.#vanished)
      if (!open.has(vanished.port) && !this.#freedAfterMs.has(vanished)) this.#freedAfterMs.set(vanished, msSince(vanished.at));
  }

  #judge(vanished: Vanished): void {
    const { kind, ids, at } = vanished;
    const { freedMsMax } = this.#plan;
    const freed = this.#freedAfterMs.get(vanished);
    if (freed === undefined || freed > freedMsMax)
      this.#violations.push(`a peer that ${kind} still had its connection ${freedMsMax} ms after it had vanished`);
    const missing = this.#missingOf(vanished);
    if (missing > 0) this.#violations.push(`${missing} of ${ids.size} messages left by a peer that ${kind} came to nobody else`);
    for (const id of ids) {
      const { times, attempt, at: came } = this.#delivered.get(id) ?? { times: 1, attempt: 1, at };
      if (times > 1) this.#violations.push(`message ${id}, left by a peer that ${kind}, came ${times} times`);
      if (attempt > 2) this.#violations.push(`message ${id}, left by a peer that ${kind}, came with attempt ${attempt}`);
      if (came - at > freedMsMax) this.#violations.push(`message ${id}, left by a peer that ${kind}, came after ${came - at} ms`);
    }
  }

  /** Its name is free, and nothing is in its hands any more. */
  async #comeBack({ name, kind }: Vanished): Promise<void> {
    if (name === undefined) return;
    const start = performance.now();
    const client = await WireClient.connect(this.#url, { client: name });
    const { inbox } = await client.welcome;
    const { waiting, unacked } = inbox as { readonly waiting: number; readonly unacked: number };
    if (waiting + unacked > 0) this.#violations.push(`the inbox of a peer that ${kind} is not empty: ${JSON.stringify(inbox)}`);
    if (performance.now() - start > RETURN_MS_MAX)
      this.#violations.push(`a peer that ${kind} was let in again only after ${msSince(start)} ms`);
    client.terminate();
  }

  #missingOf({ ids }: Vanished): number {
    return [...ids].filter((id) => !this.#delivered.has(id)).length;
  }

  /** Acknowledges all that it is given. */
  async #taker(name: string): Promise<WireClient> {
    const client: WireClient = await WireClient.connect(this.#url, {
      client: name,
      delivered: ({ id, attempt }) => {
        const known = this.#delivered.get(id);
        if (known === undefined) this.#delivered.set(id, { at: performance.now(), attempt, times: 1 });
        else known.times++;
        client.ask({ type: 'ack', ids: [id] }, () => undefined);
      },
    });
    return client;
  }

  /** The longest time that each kind took. */
  #details(): Findings['details'] {
    const slowest = new Map<string, number>();
    for (const [{ kind }, ms] of this.#freedAfterMs) slowest.set(kind, Math.max(ms, slowest.get(kind) ?? 0));
    const settings = this.#plan.options.length === 0 ? 'the default ones' : this.#plan.options.join(' ');
    const seconds = [...slowest].map(([kind, ms]) => [`${kind}: freed after, s`, Math.round(ms / 100) / 10] as const);
    return { peers: this.#vanished.length, settings, ...Object.fromEntries(seconds) };
  }
}

function msSince(start: number): number {
  return Math.round(performance.now() - start);
}
