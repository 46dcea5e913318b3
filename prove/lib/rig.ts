/** What a rig is: faults, a load, and a checker that tells from what clients saw whether a promise was broken. */

export interface RigOptions {
  /** Repeats the choices of a run; its moments are the machine's. */
  readonly seed: number;
  /** A short run, for CI. */
  readonly quick: boolean;
  /** One line for whoever watches. */
  readonly say: (line: string) => void;
}

export interface Findings {
  /** Attempts to publish, retries included. */
  readonly tries: number;
  readonly confirmed: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  /** Publishes that were never answered: they may arrive or not. */
  readonly unknown: number;
  /** A sentence each; none when every promise was kept. */
  readonly violations: readonly string[];
  /** What else is worth knowing, such as how many faults there were. */
  readonly details: Readonly<Record<string, number | string>>;
}

export interface Rig {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  /** Why it can't run on this machine. */
  readonly obstacle?: () => string | undefined;
  readonly run: (options: RigOptions) => Promise<Findings>;
}

export const NOTHING_FOUND: Findings = {
  tries: 0,
  confirmed: 0,
  lost: 0,
  duplicated: 0,
  reordered: 0,
  unknown: 0,
  violations: [],
  details: {},
};
