/** The generated part of docs/benchmarks.md: every scenario with its description, its results and what was not measured. */
import { scenarioReport, sittingsText } from './report.ts';
import type { ResultLine } from './result.ts';
import type { Scenario } from './scenario.ts';

const PART = /(?<=<!-- results: written by `npm run bench -- --doc` -->\n\n).*?(?=\n\n<!-- end of results -->)/s;

/** The page with its results replaced. @throws if it has lost the comments that enclose them. */
export function withResults(page: string, scenarios: readonly Scenario[], lines: readonly ResultLine[]): string {
  if (!PART.test(page)) throw new Error('docs/benchmarks.md has lost the comments that enclose its results');
  const sections = scenarios.map((scenario) =>
    sectionOf(
      scenario,
      lines.filter((line) => line.scenario === scenario.id),
    ),
  );
  return page.replace(PART, () => [sittingsText(lines), ...sections].join('\n\n'));
}

function sectionOf(scenario: Scenario, lines: readonly ResultLine[]): string {
  const results = lines.length === 0 ? 'Not measured.' : scenarioReport(scenario, lines);
  return [`### ${scenario.id.toUpperCase()}: ${scenario.title}`, scenario.description, results].join('\n\n');
}
