/** What is kept of a scenario: a JSON line for each contender, from which tables, drawings and verdicts are made, now or later. */
import { appendFileSync, readFileSync } from 'node:fs';
import type { Machine } from './machine.ts';
import type { Measured, Rounds } from './runner.ts';
import type { Sample, Scenario } from './scenario.ts';
import { medianOf, type Spread, spreadOf } from './statistics.ts';

export interface ResultLine {
  /** When the bench was started, ISO 8601: figures of one sitting may be compared. */
  readonly sitting: string;
  readonly scenario: string;
  readonly contender: string;
  readonly durability: string;
  readonly version?: string;
  readonly unit: string;
  readonly value: Spread;
  /** To Holdfast's, of the medians. */
  readonly ratio: number;
  /** A message, the median of the runs. */
  readonly serverCpuMicroseconds: number;
  readonly driverCpuMicroseconds: number;
  /** The highest of all runs. */
  readonly peakMiB: number;
  /** Medians of the further figures. */
  readonly details: Readonly<Record<string, number>>;
  readonly failure?: string;
  /** 1 is the full size. */
  readonly scale: number;
  readonly rounds: Rounds;
  readonly machine: Machine;
  readonly samples: readonly Sample[];
}

export interface Sitting {
  readonly startedAt: string;
  readonly scale: number;
  readonly machine: Machine;
}

export function resultLines(
  scenario: Scenario,
  rounds: Rounds,
  measured: readonly Measured[],
  sitting: Sitting,
): readonly ResultLine[] {
  const holdfast = medianOf(measured.find(({ name }) => name.startsWith('Holdfast'))?.samples.map(({ value }) => value) ?? []);
  return measured.map(({ name, durability, version, samples, failure }) => {
    const median = (figure: (sample: Sample) => number): number => medianOf(samples.map(figure));
    const value = spreadOf(samples.map((sample) => sample.value));
    return {
      sitting: sitting.startedAt,
      scenario: scenario.id,
      contender: name,
      durability,
      ...(version !== undefined && { version }),
      unit: scenario.unit,
      value,
      ratio: value.median / holdfast,
      serverCpuMicroseconds: median(({ serverCpuSeconds, messages }) => (serverCpuSeconds * 1e6) / messages),
      driverCpuMicroseconds: median(({ driverCpuSeconds, messages }) => (driverCpuSeconds * 1e6) / messages),
      peakMiB: spreadOf(samples.map(({ peakMiB }) => peakMiB)).max,
      details: mediansOfDetails(samples),
      ...(failure !== undefined && { failure }),
      scale: sitting.scale,
      rounds,
      machine: sitting.machine,
      samples,
    };
  });
}

export function appendResults(file: string, lines: readonly ResultLine[]): void {
  appendFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

/** Of each scenario its last sitting. @throws if the file can't be read or has lines that are no results. */
export function readResults(file: string): readonly ResultLine[] {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((text) => text !== '')
    .map((text, i) => parseLine(text, `${file}:${i + 1}`));
  const last = new Map<string, string>();
  for (const { scenario, sitting } of lines) if (sitting > (last.get(scenario) ?? '')) last.set(scenario, sitting);
  return lines.filter(({ scenario, sitting }) => last.get(scenario) === sitting);
}

/** JSON has no NaN: figures that there were none of are null in it. */
function parseLine(text: string, place: string): ResultLine {
  try {
    const line = JSON.parse(text, (_, value: unknown) => value ?? Number.NaN) as Partial<ResultLine>;
    if (line.sitting !== undefined && line.scenario !== undefined && line.samples !== undefined) return line as ResultLine;
  } catch {
    // told below
  }
  throw new Error(`${place} is no line that --json has written`);
}

function mediansOfDetails(samples: readonly Sample[]): Readonly<Record<string, number>> {
  const names = new Set(samples.flatMap(({ details }) => Object.keys(details ?? {})));
  return Object.fromEntries(
    [...names].map((name) => [name, medianOf(samples.map(({ details }) => details?.[name] ?? Number.NaN))]),
  );
}
