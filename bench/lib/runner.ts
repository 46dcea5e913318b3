/**
 * Runs a scenario: all contenders are started, then every round measures each of them once, in turn, so that a machine that grows
 * slower or faster does so for all. Who fails is left out from there on; the others go on.
 */
import type { Contender, Sample, Scenario } from './scenario.ts';

export interface Rounds {
  readonly warmUp: number;
  /** That count, after those to warm up. */
  readonly counted: number;
}

export interface Measured {
  readonly name: string;
  readonly durability: string;
  readonly version?: string;
  /** Of the rounds that count, in their order. */
  readonly samples: readonly Sample[];
  /** What it failed with, if it did. */
  readonly failure?: string;
}

/** A little news for whoever waits, a line at a time. */
export type Tell = (line: string) => void;

/** More than any start, run or stop takes by far: drivers and servers have tighter ones of their own. */
const DEADLINE_MS = 30 * 60_000;

export async function runScenario(
  scenario: Scenario,
  contenders: readonly Contender[],
  rounds: Rounds,
  tell: Tell,
): Promise<readonly Measured[]> {
  const entrants = contenders.map((contender) => new Entrant(contender, tell));
  try {
    for (const entrant of entrants) await entrant.start();
    for (let round = 0; round < rounds.warmUp + rounds.counted; round++)
      for (const entrant of entrants) await entrant.run(round, round >= rounds.warmUp, scenario.unit);
  } finally {
    await Promise.all(entrants.map((entrant) => entrant.stop()));
  }
  return entrants.map((entrant) => entrant.measured());
}

class Entrant {
  readonly #contender: Contender;
  readonly #tell: Tell;
  readonly #samples: Sample[] = [];
  #failure: string | undefined;
  #stopped = false;

  constructor(contender: Contender, tell: Tell) {
    this.#contender = contender;
    this.#tell = tell;
  }

  async start(): Promise<void> {
    await this.#try('start', () => this.#contender.start());
  }

  async run(round: number, counts: boolean, unit: string): Promise<void> {
    await this.#try('run', async () => {
      const sample = await this.#contender.run(round);
      if (counts) this.#samples.push(sample);
      const value = sample.value.toLocaleString('en-US', { maximumSignificantDigits: 4 });
      this.#tell(`round ${round + 1}${counts ? '' : ' (warm-up)'}, ${this.#contender.name}: ${value} ${unit}`);
    });
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await this.#try('stop', () => this.#contender.stop());
  }

  measured(): Measured {
    const { name, durability } = this.#contender;
    const version = this.#contender.version?.();
    return {
      name,
      durability,
      ...(version !== undefined && { version }),
      samples: this.#samples,
      ...(this.#failure !== undefined && { failure: this.#failure }),
    };
  }

  async #try(what: string, work: () => Promise<void>): Promise<void> {
    if (this.#failure !== undefined) return;
    try {
      await within(DEADLINE_MS, work());
    } catch (error) {
      this.#failure = `failed to ${what}: ${error instanceof Error ? error.message : String(error)}`;
      this.#tell(`${this.#contender.name} ${this.#failure}`);
      await this.#leave();
    }
  }

  /** What is left of it is stopped as well as it can be: it has failed already. */
  async #leave(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await within(DEADLINE_MS, this.#contender.stop()).catch((error: unknown) =>
      this.#tell(`while it was stopped: ${String(error)}`),
    );
  }
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not over after ${ms / 1000} s`)), ms);
  });
  await Promise.race([work, over]).finally(() => clearTimeout(timer));
}
