/** A broker (or something to compare with) that a benchmark starts, and what it costs, read from the operating system. */

/**
 * Queues that are published to and consumed at the same time; a backlog that grows while nobody consumes; topics that many
 * connected clients are subscribed to; inboxes that fill while their clients are away.
 */
export type Use = 'queues' | 'backlogs' | 'topics' | 'inboxes';

export interface System {
  /** As in tables: `JetStream 2.15, default`. */
  readonly title: string;
  /** When a confirmed message is on disk, in a few words: `fsync before each confirm`, `in memory`. */
  readonly durability: string;
  /** Which adapter the driver speaks, by its name in `protocols/index.ts`. */
  readonly protocol: string;
  /** What it can be asked to do by peers' scenarios; everything, if not given. */
  readonly suits?: readonly Use[];
  /** Starts it with an empty store in a directory of its own. */
  start(directory: string): Promise<Server>;
}

export interface Server {
  /** Where it takes WebSockets on 127.0.0.1. */
  readonly port: number;
  /** As it says itself. */
  readonly version: string;
  /** CPU seconds used so far, user and system, all threads of all its processes. */
  cpuSeconds(): number;
  /** Resident memory now and at its highest so far, of all its processes together, in MiB. */
  residentMiB(): number;
  peakMiB(): number;
  /** Ends it, at once if it doesn't by itself within 10 s, and its data is no longer used. Nothing of it outlives this. */
  stop(): Promise<void>;
}

/** A server that rigs may treat badly. */
export interface KillableServer extends Server {
  /** None of its processes does anything more, until it is killed. */
  freeze(): void;
  /** SIGKILL at once. Resolves when nothing of it is left. */
  kill(): Promise<void>;
}

/** Those that can be asked to do this. */
export function systemsFor(use: Use, systems: readonly System[]): readonly System[] {
  return systems.filter(({ suits }) => suits?.includes(use) ?? true);
}
