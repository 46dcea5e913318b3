/** `npm run docs`: writes the table of options into docs/configuration.md. A test compares the two, so the page cannot fall behind. */

import { readFileSync, writeFileSync } from 'node:fs';
import { optionsHelp } from '../src/options/option-help.ts';

const PAGE = new URL('../docs/configuration.md', import.meta.url);
const TABLE = /(?<=<!-- options: written by `npm run docs` -->\n\n).*?(?=\n\n<!-- end of options -->)/s;

/** The options as a Markdown table, in the order of src/options/options.ts. */
function optionsAsMarkdown(): string {
  const code = (text: string): string => (text === '' ? '' : `\`${text}\``);
  const rows = optionsHelp().map((option) => [
    `\`--${option.flag} <${option.placeholder}>\``,
    code(option.environment),
    code(option.default),
    option.range,
    option.help,
  ]);
  const header = ['Flag', 'Environment', 'Default', 'Range', 'What it is'];
  return [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** The page as it stands, and as it should be. */
export function configurationPage(): { readonly current: string; readonly wanted: string } {
  const current = readFileSync(PAGE, 'utf8');
  if (!TABLE.test(current)) throw new Error('docs/configuration.md has lost the comments that enclose its table of options');
  return { current, wanted: current.replace(TABLE, () => optionsAsMarkdown()) };
}

if (import.meta.main) writeFileSync(PAGE, configurationPage().wanted);
