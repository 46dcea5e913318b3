/** What came out of the rigs, for people and for programs. */
import type { Findings } from './rig.ts';

/** One rig's outcome: what it found, or why it did not run. */
export interface Outcome {
  readonly id: string;
  readonly title: string;
  readonly seconds: number;
  readonly findings?: Findings;
  /** It can't run on this machine. */
  readonly skipped?: string;
  /** It could not be run to its end: this shows nothing of the broker. */
  readonly failed?: string;
}

export interface Report {
  readonly commit: string;
  readonly seed: number;
  readonly quick: boolean;
  readonly machine: string;
  readonly outcomes: readonly Outcome[];
}

export function isClean({ outcomes }: Report): boolean {
  return outcomes.every(({ findings, failed }) => failed === undefined && (findings?.violations.length ?? 0) === 0);
}

const COUNTS = ['tries', 'confirmed', 'unknown', 'lost', 'duplicated', 'reordered'] as const;

export function markdown({ commit, seed, quick, machine, outcomes }: Report): string {
  const head = ['rig', ...COUNTS, 'violations', 'what was done', 'time'];
  const rows = outcomes.map(({ id, findings, skipped, failed, seconds }) => {
    if (findings === undefined)
      return [id, ...COUNTS.map(() => ''), '', skipped === undefined ? `failed: ${failed}` : `skipped: ${skipped}`, ''];
    const counts = COUNTS.map((name) => findings[name].toLocaleString('en-US'));
    const done = Object.entries(findings.details).map(([name, value]) => `${name} ${value.toLocaleString('en-US')}`);
    return [id, ...counts, String(findings.violations.length), done.join(', '), `${Math.round(seconds)} s`];
  });
  const lines = [
    `${quick ? 'A short run' : 'A full run'} of commit ${commit}, seed ${seed}, on ${machine}.`,
    '',
    `| ${head.join(' | ')} |`,
    `| ${head.map((name) => (COUNTS.some((count) => count === name) || name === 'violations' ? '---:' : '---')).join(' | ')} |`,
    ...rows.map((row) => `| ${row.join(' | ')} |`),
  ];
  for (const { id, findings } of outcomes) {
    if (findings === undefined || findings.violations.length === 0) continue;
    lines.push('', `${id}:`, '', ...findings.violations.slice(0, VIOLATIONS_SHOWN_MAX).map((violation) => `- ${violation}`));
  }
  return `${lines.join('\n')}\n`;
}

const VIOLATIONS_SHOWN_MAX = 20;
