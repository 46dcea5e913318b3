/** Reads what the tests need of a Markdown page: its headings, tables and fenced blocks. */

export interface Fence {
  /** All that follows the opening fence: `transcript`, `transcript token=secret`. */
  readonly info: string;
  readonly lines: readonly string[];
  /** Of the first line inside, counted from 1. */
  readonly line: number;
}

export interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface Section {
  /** The heading's text without backticks. */
  readonly title: string;
  /** The title of the section of the next higher level that it is in. */
  readonly parent: string;
  readonly tables: readonly Table[];
}

export function fencesOf(page: string): Fence[] {
  const fences: Fence[] = [];
  const lines = page.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const info = /^```(.+)$/.exec(lines[i] ?? '')?.[1];
    if (info === undefined) continue;
    const end = lines.indexOf('```', i + 1);
    fences.push({ info: info.trim(), lines: lines.slice(i + 1, end), line: i + 2 });
    i = end;
  }
  return fences;
}

/** Sections of the second and third level, in order. */
export function sectionsOf(page: string): Section[] {
  const sections: { title: string; parent: string; lines: string[] }[] = [];
  let chapter = '';
  for (const line of withoutFences(page)) {
    const heading = /^(##|###) (.+)$/.exec(line);
    if (heading === null) {
      sections.at(-1)?.lines.push(line);
      continue;
    }
    const title = plain(heading[2] ?? '');
    if (heading[1] === '##') chapter = title;
    sections.push({ title, parent: heading[1] === '##' ? '' : chapter, lines: [] });
  }
  return sections.map(({ title, parent, lines }) => ({ title, parent, tables: tablesOf(lines) }));
}

/** What stands in backticks in a cell. */
export function codesIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code ?? '');
}

export const plain = (text: string): string => text.replaceAll('`', '').trim();

function withoutFences(page: string): string[] {
  return page.replaceAll(/^```.*?^```$/gms, '').split('\n');
}

function tablesOf(lines: readonly string[]): Table[] {
  const tables: { header: string[]; rows: string[][] }[] = [];
  let inside = false;
  for (const line of lines) {
    if (!line.startsWith('|')) {
      inside = false;
      continue;
    }
    const cells = line
      .slice(1, line.lastIndexOf('|'))
      .split('|')
      .map((cell) => cell.trim());
    if (!inside) tables.push({ header: cells.map(plain), rows: [] });
    else if (!/^[-: ]+$/.test(cells[0] ?? '')) tables.at(-1)?.rows.push(cells);
    inside = true;
  }
  return tables;
}
