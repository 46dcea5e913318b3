import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { landingPage } from '../../src/server/landing-page.ts';
import { BrokerProcess } from '../support/broker-process.ts';
import { fencesOf } from './markdown.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** The one block with this info. */
function block(info: string): string {
  const found = fencesOf(readme).filter((fence) => fence.info === info);
  expect(found).toHaveLength(1);
  return `${found[0]?.lines.join('\n')}\n`;
}

describe('the README', () => {
  const broker = new BrokerProcess([], {});
  const scratch = mkdtempSync(join(tmpdir(), 'holdfast-readme-'));
  beforeAll(() => broker.start());
  afterAll(async () => {
    await broker.dispose();
    rmSync(scratch, { recursive: true, force: true });
  });

  const run = async (program: string): Promise<string> => {
    const file = join(scratch, 'program.mjs');
    writeFileSync(file, program);
    const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: 15_000 });
    return stdout;
  };

  test('prints the two commands at the top', () => {
    const commands = readme.split('\n').filter((line) => line.startsWith('    npm '));
    expect(commands.map((line) => line.trim().split(' #')[0]?.trim())).toEqual(['npm start', 'npm test']);
    expect(readme.indexOf('    npm start')).toBeLessThan(readme.indexOf('\n## '));
  });

  test('has a program for the browser that logs its own message', async () => {
    const page = `const location = { origin: '${broker.url.replace('ws', 'http')}' };\n`;
    const end = `ws.addEventListener('message', ({ data }) => JSON.parse(data).type === 'message' && ws.close());\n`;
    const output = await run(page + block('js console') + end);
    expect(output).toContain("type: 'welcome'");
    expect(output).toMatch(/queue: '@me',[^]*topic: 'room.lobby',\s+from: 'me',\s+body: 'hello'/);
  });

  test("has the program that the broker's own page shows", () => {
    const shown = /<pre>([^]*?)<\/pre>/.exec(landingPage('1.2.3'))?.[1]?.replaceAll('&gt;', '>').replaceAll('&lt;', '<');
    expect(`${shown}\n`).toBe(block('js console'));
  });

  test('has a program with the SDK that gets the message it has published', async () => {
    const sdk = new URL('../../src/client/index.ts', import.meta.url).href;
    const program = block('js sdk').replace("'holdfast/client'", `'${sdk}'`).replace('ws://127.0.0.1:4653', broker.url);
    expect(await run(program)).toBe("{ sku: 'A-17' } 1\n");
  });
});

describe('the documentation', () => {
  const pages = [
    ...readdirSync(root).filter((name) => name.endsWith('.md')),
    ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => join('docs', name)),
  ];

  test.each(pages)('links only to what there is: %s', (page) => {
    const text = readFileSync(join(root, page), 'utf8');
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link ?? '').filter((link) => !/^https?:/.test(link));
    expect(links.filter((link) => !leadsSomewhere(page, link))).toEqual([]);
  });

  function leadsSomewhere(page: string, link: string): boolean {
    const [path = '', heading] = link.split('#');
    const file = path === '' ? join(root, page) : join(root, dirname(page), path);
    if (!existsSync(file)) return false;
    return heading === undefined || headingsOf(file).includes(heading);
  }
});

/** As GitHub makes anchors of them. */
function headingsOf(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    (title ?? '')
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

describe('ARCHITECTURE.md', () => {
  const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const named = [...text.matchAll(/`(?:[\w-]+\/)*([\w-]+\.ts)`/g)].map(([, name]) => name);

  test('names every source file but the many of one kind', () => {
    const many = /^(?:cli|options|store\/memory|store\/sqlite\/migrations)\/|\.d\.ts$/;
    expect(sources.filter((file) => !many.test(file) && !named.includes(basename(file)))).toEqual([]);
  });

  test('names no source file that there is not', () => {
    const files = [...sources, ...readdirSync(join(root, 'test'))].map((file) => basename(file));
    expect(named.filter((name) => name !== undefined && !files.includes(name))).toEqual([]);
  });

  test('stays under 200 lines', () => {
    expect(text.split('\n').length).toBeLessThan(200);
  });
});
