/**
 * Results as an SVG: of every scenario a title and a bar for each contender, with its figure, its spread and what a confirm means
 * there. Its colours follow the reader's light or dark page.
 */
import { figure } from './report.ts';
import type { ResultLine } from './result.ts';
import type { Scenario } from './scenario.ts';

const WIDTH = 900;
const BARS_AT = 330;
const BARS_WIDTH = 330;
const BAR_HEIGHT = 14;
const ROW_HEIGHT = 30;
const TITLE_HEIGHT = 40;

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; font-size: 14px; }
  .small { font-size: 10px; fill: #59636e; }
  .figure { font-variant-numeric: tabular-nums; }
  .bar { fill: #8c959f; }
  .own { fill: #0969da; }
  .spread { stroke: #1f2328; stroke-width: 1; opacity: 0.6; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .small { fill: #9198a1; }
    .bar { fill: #656c76; }
    .own { fill: #4493f8; }
    .spread { stroke: #f0f6fc; }
  }`;

/** Scenarios without figures are left out. */
export function chart(scenarios: readonly Scenario[], lines: readonly ResultLine[]): string {
  const parts: string[] = [];
  let y = 0;
  for (const scenario of scenarios) {
    const own = lines.filter((line) => line.scenario === scenario.id && line.failure === undefined);
    if (own.length === 0) continue;
    parts.push(section(scenario, own, y));
    y += TITLE_HEIGHT + own.length * ROW_HEIGHT;
  }
  const height = y + 10;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">\n` +
    `<title>Benchmarks of Holdfast and its peers</title>\n<style>${STYLE}\n</style>\n${parts.join('\n')}\n</svg>\n`
  );
}

function section(scenario: Scenario, lines: readonly ResultLine[], top: number): string {
  const longest = Math.max(...lines.map(({ value }) => value.max));
  const better = scenario.better === 'more' ? 'longer is better' : 'shorter is better';
  const title =
    `<text class="title" x="0" y="${top + 28}">${escaped(`${scenario.id.toUpperCase()} ${scenario.title}`)} ` +
    `<tspan class="small">${escaped(scenario.unit)}, ${better}</tspan></text>`;
  return [title, ...lines.map((line, i) => bar(line, longest, top + TITLE_HEIGHT + i * ROW_HEIGHT))].join('\n');
}

/** The spread is a thin line from the slowest run to the fastest. */
function bar({ contender, durability, value }: ResultLine, longest: number, y: number): string {
  const x = (of: number): string => (BARS_AT + (of / longest) * BARS_WIDTH).toFixed(1);
  const width = Math.max(1, (value.median / longest) * BARS_WIDTH).toFixed(1);
  const middle = y + BAR_HEIGHT / 2;
  const kind = contender.startsWith('Holdfast') ? 'bar own' : 'bar';
  return [
    `<text x="${BARS_AT - 10}" y="${y + 7}" text-anchor="end">${escaped(contender)}</text>`,
    `<text class="small" x="${BARS_AT - 10}" y="${y + 19}" text-anchor="end">${escaped(durability)}</text>`,
    `<rect class="${kind}" x="${BARS_AT}" y="${y}" width="${width}" height="${BAR_HEIGHT}" rx="2"/>`,
    `<line class="spread" x1="${x(value.min)}" x2="${x(value.max)}" y1="${middle}" y2="${middle}"/>`,
    `<text class="figure" x="${BARS_AT + BARS_WIDTH + 10}" y="${y + 11}">${figure(value.median)} ` +
      `<tspan class="small">${figure(value.min)} to ${figure(value.max)}</tspan></text>`,
  ].join('\n');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
