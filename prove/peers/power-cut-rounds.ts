/**
 * Rounds of one server: it is published to, frozen, its disk's power is cut, and it is started again on what is there. It is frozen
 * before the cut because no server confirms anything when its machine is dark; what it had sent by then counts as confirmed.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { KillableServer } from '../../bench/lib/system.ts';
import { SeededRandom } from '../../test/support/seeded-random.ts';
import { LoopMount } from '../lib/loop-mount.ts';
import { declareInThread, drainInThread, publishInThread } from './client-thread.ts';
import type { Published } from './client.ts';
import type { ClientTask } from './client-worker.ts';
import type { Setting, Start } from './settings.ts';

export interface RoundsOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

export interface Tally {
  readonly version: string;
  readonly rounds: number;
  readonly published: number;
  readonly confirmed: number;
  readonly lost: number;
  readonly roundsWithLoss: number;
  /** Under load, all rounds together. */
  readonly seconds: number;
  /** What a server failed with that did not come back by itself: what did not come until then counts as lost. */
  readonly failures: readonly string[];
}

const WINDOW = 100;
const LOAD_MS: readonly [least: number, most: number] = [300, 2000];
const QUEUE = 'cut';
/**
 * What is looked for is messages in a queue that has been there for long, on a server that has been up for a while. A server may
 * write down a moment later that there is a queue (RabbitMQ, which of its quorum queues there are, after half a second).
 */
const NEW_QUEUE_MS = 5000;
const STARTED_MS = 1000;
/** How long a started server may need until a client gets through. */
const BACK_MS_MAX = 60_000;
const AGAIN_MS = 1000;
/** What a connection held that has ended comes again by then: JetStream waits 30 s for an acknowledgement. */
const HELD_MS = 40_000;
/** A killed server's files close a moment after its end. */
const UNMOUNT_TRIES = 50;
const UNMOUNT_EVERY_MS = 100;

/** @throws what has nothing to do with a cut, such as a server that does not start on an empty disk */
export async function powerCutRounds(setting: Setting, start: Start, options: RoundsOptions): Promise<Tally> {
  const { rounds, seed, say } = options;
  const random = new SeededRandom(seed);
  const rig = new Rig(setting, start, say);
  try {
    for (let round = 1; round <= rounds; round++) {
      const lost = await rig.round(round, random.between(...LOAD_MS));
      say(`round ${round} of ${rounds}: ${lost}`);
    }
  } finally {
    await rig.dispose();
  }
  return rig.tally(rounds);
}

class Rig {
  readonly #setting: Setting;
  readonly #start: Start;
  readonly #say: (line: string) => void;
  readonly #failures: string[] = [];
  #disk: LoopMount | undefined;
  #server: KillableServer | undefined;
  #version = '';
  #published = 0;
  #confirmed = 0;
  #lost = 0;
  #roundsWithLoss = 0;
  #seconds = 0;

  constructor(setting: Setting, start: Start, say: (line: string) => void) {
    this.#setting = setting;
    this.#start = start;
    this.#say = say;
  }

  /** Returns what was found, in words. */
  async round(round: number, loadMs: number): Promise<string> {
    const isNew = this.#disk === undefined;
    const disk = this.#diskNow();
    const server = await this.#serverOn(disk);
    const task = { protocol: this.#setting.protocol, port: server.port, queue: QUEUE, round, window: WINDOW };
    if (isNew) await declareInThread(task);
    await pause(isNew ? NEW_QUEUE_MS : STARTED_MS);
    disk.sync();
    const cut = (): void => {
      server.freeze();
      disk.cutPower();
    };
    const done = await publishInThread(task, loadMs, cut);
    await this.#end();
    await unmount(disk);
    disk.mount();
    const came = new Set<number>();
    try {
      const { port } = await this.#serverOn(disk);
      await drainAll({ ...task, port }, done.confirmed, came, this.#say);
    } catch (error) {
      this.#failures.push(`round ${round}: ${error instanceof Error ? error.message : String(error)}`);
      await this.dispose();
    }
    return this.#count(round, done, came);
  }

  #count(round: number, { published, confirmed, seconds }: Published, came: ReadonlySet<number>): string {
    const lost = missing(confirmed, came);
    this.#published += published;
    this.#confirmed += confirmed.length;
    this.#seconds += seconds;
    this.#lost += lost;
    if (lost > 0) this.#roundsWithLoss++;
    const failure = this.#failures.at(-1)?.startsWith(`round ${round}:`) === true ? ', and it did not come back' : '';
    return `${lost} lost of ${confirmed.length} confirmed${failure}`;
  }

  tally(rounds: number): Tally {
    return {
      version: this.#version,
      rounds,
      published: this.#published,
      confirmed: this.#confirmed,
      lost: this.#lost,
      roundsWithLoss: this.#roundsWithLoss,
      seconds: this.#seconds,
      failures: this.#failures,
    };
  }

  async dispose(): Promise<void> {
    await this.#end();
    this.#disk?.remove();
    this.#disk = undefined;
  }

  #diskNow(): LoopMount {
    if (this.#disk === undefined) {
      this.#disk = new LoopMount('ext4');
      this.#disk.openToAll();
    }
    return this.#disk;
  }

  async #serverOn({ directory }: LoopMount): Promise<KillableServer> {
    this.#server ??= await this.#start(directory);
    this.#version = this.#server.version;
    return this.#server;
  }

  async #end(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await server?.kill();
  }
}

/** How many of the confirmed did not come. */
export function missing(confirmed: readonly number[], came: ReadonlySet<number>): number {
  return confirmed.filter((number) => !came.has(number)).length;
}

/**
 * A server that has just started may end a connection: a client that lost one comes again, for as long as one may take to be back.
 * @throws the last failure
 */
async function drainAll(
  task: Omit<ClientTask, 'work'>,
  confirmed: readonly number[],
  came: Set<number>,
  say: (line: string) => void,
): Promise<void> {
  const drainOnce = async (): Promise<string | undefined> => {
    const drained = await drainInThread(task);
    for (const number of drained.came) came.add(number);
    return drained.failure;
  };
  const end = performance.now() + BACK_MS_MAX;
  let failure = await drainOnce();
  if (failure === undefined) return;
  for (; failure !== undefined; failure = await drainOnce()) {
    if (performance.now() > end) throw new Error(failure);
    say(`round ${task.round}: ${failure}; again`);
    await pause(AGAIN_MS);
  }
  if (missing(confirmed, came) === 0) return;
  await pause(HELD_MS);
  failure = await drainOnce();
  if (failure !== undefined) throw new Error(failure);
}

async function unmount(disk: LoopMount): Promise<void> {
  for (let left = UNMOUNT_TRIES; ; left--) {
    try {
      return disk.unmount();
    } catch (error) {
      if (left === 0) throw error;
      await pause(UNMOUNT_EVERY_MS);
    }
  }
}
