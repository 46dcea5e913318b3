import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { chart } from '../../bench/lib/chart.ts';
import { withResults } from '../../bench/lib/document.ts';
import { figure, scenarioReport } from '../../bench/lib/report.ts';
import { appendResults, readResults } from '../../bench/lib/result.ts';
import { compared, PEERS } from '../../bench/lib/targets.ts';
import { lines, scenario } from './sample-results.ts';

const beaten = compared({ text: '≥ 2 × Mosquitto', of: 'Holdfast', with: PEERS.mosquitto, better: 'more', atLeast: 2 });
const reached = compared({ text: '≥ 0.3 × Mosquitto', of: 'Holdfast', with: PEERS.mosquitto, better: 'more', atLeast: 0.3 });
const unknown = compared({ text: '≥ 8 × RabbitMQ', of: 'Holdfast', with: PEERS.rabbitMq, better: 'more', atLeast: 8 });
const judged = scenario([beaten, reached, unknown]);

function temporaryFile(): string {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return join(directory, 'results.json');
}

describe('the report of a scenario', () => {
  const report = scenarioReport(judged, lines(judged));
  const cellsOf = (name: string): readonly string[] => {
    const row = report.split('\n').find((line) => line.startsWith(`| ${name}`)) ?? '';
    return row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
  };

  test('has a row for each contender: durability, median, spread, ratio, CPU a message, peak memory', () => {
    expect(cellsOf('Holdfast')).toEqual([
      'Holdfast (0.1.0)',
      'fsync before each confirm',
      '2,000',
      '1,000 to 3,000',
      '1.00',
      '10.0',
      '2.00',
      '103',
    ]);
    expect(cellsOf('Mosquitto')).toEqual(['Mosquitto', 'in <memory>', '6,000', '4,000 to 8,000', '3.00', '10.0', '2.00', '108']);
  });

  test('says of each target what was measured, and whether it holds', () => {
    expect(report).toContain('- ≥ 2 × Mosquitto: 0.333 × Mosquitto, **missed**');
    expect(report).toContain('- ≥ 0.3 × Mosquitto: 0.333 × Mosquitto, **holds**');
  });

  test('names who failed, with the reason, and counts no figure of it', () => {
    expect(cellsOf('RabbitMQ')).toEqual([]);
    expect(report).toContain('RabbitMQ failed to run: it was closed');
    expect(report).not.toContain('and more about that');
    expect(report).toContain('- ≥ 8 × RabbitMQ: not measured');
  });

  test('writes figures as they are read, and a dash for none', () => {
    expect([1_234_567, 100.4, 99.96, 12.34, 1.234, 0, Number.NaN, Infinity].map(figure)).toEqual([
      '1,234,567',
      '100',
      '100.0',
      '12.3',
      '1.23',
      '0.00',
      '–',
      '–',
    ]);
  });
});

describe('lines of results', () => {
  test('come back from a file as they were', () => {
    const file = temporaryFile();
    appendResults(file, lines(judged));
    expect(readResults(file)).toEqual(lines(judged));
  });

  test('of an earlier sitting give way as a whole', () => {
    const file = temporaryFile();
    const later = lines(judged, '2026-02-02T00:00:00.000Z').slice(0, 1);
    appendResults(file, later);
    appendResults(file, lines(judged));
    appendResults(file, lines({ ...judged, id: 's2' }));
    expect(readResults(file).map(({ scenario: id, contender }) => `${id} ${contender}`)).toEqual([
      's1 Holdfast',
      's2 Holdfast',
      's2 Mosquitto',
      's2 RabbitMQ',
    ]);
  });

  test('that are none are refused by their place', () => {
    const file = temporaryFile();
    writeFileSync(file, '{"no":"result"}\n');
    expect(() => readResults(file)).toThrow(`${file}:1 is no line that --json has written`);
  });
});

describe('the page', () => {
  const before = '# Page\n\n<!-- results: written by `npm run bench -- --doc` -->\n\n';
  const after = '\n\n<!-- end of results -->\n\nThe end.\n';

  test('has its results replaced, and all else as it was', () => {
    const page = withResults(`${before}old${after}`, [judged, { ...scenario(), id: 's2', title: 'Another' }], lines(judged));
    expect(page.startsWith(`${before}- S1, 2026-01-02: 2 × A Processor, 8 GiB, `)).toBe(true);
    expect(page.endsWith(after)).toBe(true);
    expect(page).toContain(`### S1: One queue\n\nAll through one queue.\n\n${scenarioReport(judged, lines(judged))}`);
    expect(page).toContain('### S2: Another\n\nAll through one queue.\n\nNot measured.');
    expect(withResults(page, [judged], lines(judged))).toBe(withResults(`${before}old${after}`, [judged], lines(judged)));
  });

  test('without its comments is left alone', () => {
    expect(() => withResults('# Page', [judged], [])).toThrow('has lost the comments');
  });
});

describe('the drawing', () => {
  const drawing = chart([judged, { ...scenario(), id: 's2', title: 'Another' }], lines(judged));

  test('has a bar for each contender that did not fail, with its figure, as long as that is', () => {
    const widths = [...drawing.matchAll(/<rect class="([^"]*)" [^>]*width="([^"]*)"/g)].map(([, kind, width]) => [kind, width]);
    expect(widths).toEqual([
      ['bar own', '82.5'],
      ['bar', '247.5'],
    ]);
    expect(drawing).toContain('>2,000 <tspan class="small">1,000 to 3,000</tspan>');
    expect(drawing).not.toContain('RabbitMQ');
  });

  test('states durability, escaped', () => {
    expect(drawing).toContain('>fsync before each confirm</text>');
    expect(drawing).toContain('>in &lt;memory&gt;</text>');
  });

  test('leaves out what was not measured', () => {
    expect(drawing).not.toContain('Another');
  });
});
