/** What a scenario is: one kind of load, everyone who is put under it, and what is asked of the figures. A file each in `scenarios/`. */
import type { System } from './system.ts';

export interface Scenario {
  /** `s1`, as on the command line. */
  readonly id: string;
  readonly title: string;
  /** One paragraph for docs/benchmarks.md: the load, exactly. */
  readonly description: string;
  /** Of a sample's value: `messages/s`, `ms`. */
  readonly unit: string;
  readonly better: 'more' | 'less';
  readonly warmUpRounds: number;
  readonly rounds: number;
  contenders(options: BenchOptions): readonly Contender[];
  readonly targets: readonly Target[];
}

export interface BenchOptions {
  /** The peers that were asked for and found; empty without `--peers`. */
  readonly peers: readonly System[];
  /** Scales numbers of messages and clients; 1 is the full size, `--quick` is much less. */
  readonly scale: number;
  /** NDJSON files whose lines are bodies, for scenarios with real ones; made-up ones are taken if there are none. */
  readonly bodyFiles: readonly string[];
  /** Where servers may keep data; deleted at the end. */
  readonly directory: string;
}

/** One who is measured: a server of its own and, where load comes from a driver, a driver process of its own. */
export interface Contender {
  readonly name: string;
  readonly durability: string;
  /** Of its server, as that says itself, once it is started. */
  version?(): string | undefined;
  start(): Promise<void>;
  run(round: number): Promise<Sample>;
  stop(): Promise<void>;
}

/** What one run showed. */
export interface Sample {
  /** In the scenario's unit. */
  readonly value: number;
  /** What the CPU times are divided by. */
  readonly messages: number;
  readonly serverCpuSeconds: number;
  readonly driverCpuSeconds: number;
  readonly peakMiB: number;
  /** Further figures of this scenario, by name with unit: `p99 ms`. */
  readonly details?: Readonly<Record<string, number>>;
}

/** Samples by contender's name. */
export type Samples = ReadonlyMap<string, readonly Sample[]>;

export interface Target {
  /** As a reader understands it: `≥ 1.5 × the best peer that does not fsync`. */
  readonly text: string;
  /** What was measured, as `text` compares it, and whether it is enough; undefined when those it compares with did not run. */
  judge(samples: Samples): { readonly measured: string; readonly holds: boolean } | undefined;
}
