/** The usual contender: a broker that a driver process puts one run after the other on. */
import { join } from 'node:path';
import type { Run } from '../loads/index.ts';
import { type Driver, startDriver } from './child.ts';
import { BEGIN } from './driver.ts';
import type { Contender, Sample } from './scenario.ts';
import type { Server, System } from './system.ts';

export interface LoadedSystemOptions {
  readonly system: System;
  /** The system's title if not given. */
  readonly name?: string;
  /** Where the directory of its own is made. */
  readonly directory: string;
  readonly runOf: (port: number, round: number) => Run;
  /** Done once, when it has started, before any round. */
  readonly settlingRunsOf?: (port: number) => readonly Run[];
  /** What a round has left behind, to be deleted after it. */
  readonly queuesOf?: (round: number) => readonly string[];
  /** Further figures of a run: `residentMiB` is what the server had at each mark that the load reached. */
  readonly details?: (server: Server, residentMiB: ReadonlyMap<string, number>) => Readonly<Record<string, number>>;
  /** Of a run. */
  readonly deadlineMs?: number;
}

export function loadedSystem(options: LoadedSystemOptions): Contender {
  const { system, name = system.title } = options;
  const directory = join(options.directory, name.replaceAll(/[^a-z0-9]+/gi, '-').toLowerCase());
  let server: Server | undefined;
  let driver: Driver | undefined;
  return {
    name,
    durability: system.durability,
    version: () => server?.version,
    async start() {
      server = await system.start(directory);
      driver = await startDriver();
      for (const run of options.settlingRunsOf?.(server.port) ?? []) await driver.run(run);
    },
    async run(round) {
      if (server === undefined || driver === undefined) throw new Error(`${name} was not started`);
      const sample = await runOnce(options, server, driver, round);
      const queues = options.queuesOf?.(round) ?? [];
      await driver.run({ load: 'delete-queues', protocol: system.protocol, port: server.port, queues });
      return sample;
    },
    async stop() {
      driver?.stop();
      await server?.stop();
    },
  };
}

async function runOnce(options: LoadedSystemOptions, server: Server, driver: Driver, round: number): Promise<Sample> {
  const residentMiB = new Map<string, number>();
  let cpuBefore = server.cpuSeconds();
  const { value, messages, driverCpuSeconds, details } = await driver.run(options.runOf(server.port, round), {
    ...(options.deadlineMs !== undefined && { deadlineMs: options.deadlineMs }),
    reached(mark) {
      residentMiB.set(mark, server.residentMiB());
      if (mark === BEGIN) cpuBefore = server.cpuSeconds();
    },
  });
  const serverCpuSeconds = server.cpuSeconds() - cpuBefore;
  const peakMiB = server.peakMiB();
  const all = { ...details, ...options.details?.(server, residentMiB) };
  return { value, messages, serverCpuSeconds, driverCpuSeconds, peakMiB, details: all };
}
