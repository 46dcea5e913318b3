/** Results as Markdown, which is what a terminal shows as well: a table of each scenario, and what is asked of its figures. */
import { machineText } from './machine.ts';
import type { ResultLine } from './result.ts';
import type { Samples, Scenario, Target } from './scenario.ts';
import { table } from './table.ts';

/** A scenario's results; without a heading. */
export function scenarioReport(scenario: Scenario, lines: readonly ResultLine[]): string {
  const failures = lines.filter(({ failure }) => failure !== undefined);
  return [
    ...lines.slice(0, 1).map(roundsText),
    tableOf(
      scenario,
      lines.filter(({ failure }) => failure === undefined),
    ),
    ...(scenario.targets.length === 0 ? [] : [verdicts(scenario.targets, lines)]),
    ...failures.map(({ contender, failure }) => `${contender} ${firstLine(failure)}`),
  ].join('\n\n');
}

/** Where the figures come from: a line for each sitting and machine. */
export function sittingsText(lines: readonly ResultLine[]): string {
  const bySitting = Map.groupBy(lines, ({ sitting }) => sitting);
  return [...bySitting.values()].map(sittingText).join('\n');
}

function sittingText(lines: readonly ResultLine[]): string {
  const [first] = lines;
  if (first === undefined) return '';
  const scenarios = [...new Set(lines.map(({ scenario }) => scenario.toUpperCase()))];
  const size = first.scale === 1 ? '' : ` (at ${first.scale} of the full size)`;
  return `- ${scenarios.join(', ')}${size}, ${first.sitting.slice(0, 10)}: ${machineText(first.machine)}`;
}

function roundsText({ rounds: { warmUp, counted } }: ResultLine): string {
  const before = warmUp === 0 ? '' : `, after ${warmUp} to warm up`;
  return counted === 1 ? `One round${before}.` : `Medians of ${counted} rounds${before}.`;
}

/** `1,234`, `12.3`, `0.56`; a dash for a figure that there is none of. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

function tableOf({ unit }: Scenario, lines: readonly ResultLine[]): string {
  const details = [...new Set(lines.flatMap((line) => Object.keys(line.details)))];
  const header = [
    '',
    'a confirm means',
    unit,
    'min to max',
    '÷ Holdfast',
    'server CPU µs/message',
    'driver CPU µs/message',
    'peak MiB',
  ];
  const rows = lines.map((line) => [
    line.version === undefined ? line.contender : `${line.contender} (${line.version})`,
    line.durability,
    figure(line.value.median),
    `${figure(line.value.min)} to ${figure(line.value.max)}`,
    figure(line.ratio),
    figure(line.serverCpuMicroseconds),
    figure(line.driverCpuMicroseconds),
    figure(line.peakMiB),
    ...details.map((name) => figure(line.details[name] ?? Number.NaN)),
  ]);
  return table([...header, ...details], rows, 2);
}

/** Each target with its measured figure. Contenders that failed do not count. */
function verdicts(targets: readonly Target[], lines: readonly ResultLine[]): string {
  const samples: Samples = new Map(
    lines.filter(({ failure }) => failure === undefined).map((line) => [line.contender, line.samples]),
  );
  return targets
    .map((target) => {
      const verdict = target.judge(samples);
      if (verdict === undefined) return `- ${target.text}: not measured`;
      return `- ${target.text}: ${verdict.measured}, **${verdict.holds ? 'holds' : 'missed'}**`;
    })
    .join('\n');
}

function firstLine(text = ''): string {
  return text.split('\n', 1)[0] ?? '';
}
