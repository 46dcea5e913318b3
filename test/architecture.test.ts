import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

/**
 * Who may import whom: the directions in ARCHITECTURE.md. A room is a folder or a file of src/; a file belongs to the longest room
 * that its path begins with, and may always import from its own. `packages` are npm packages and Node's own modules (`node:`).
 */
const ROOMS: Readonly<Record<string, { readonly rooms: readonly string[]; readonly packages: readonly string[] }>> = {
  'protocol/native': { rooms: [], packages: [] },
  'store/store.ts': { rooms: [], packages: [] },
  'store/topic-filter.ts': { rooms: [], packages: [] },
  'store/memory': { rooms: ['store/store.ts', 'store/topic-filter.ts'], packages: [] },
  'store/sqlite': { rooms: ['store/store.ts', 'store/topic-filter.ts'], packages: ['better-sqlite3', 'node:'] },
  broker: { rooms: ['store/store.ts', 'store/topic-filter.ts'], packages: ['uuid'] },
  'latin1.d.ts': { rooms: [], packages: [] },
  server: { rooms: ['broker', 'protocol/native', 'config.ts'], packages: ['ws', 'pino', 'node:'] },
  client: { rooms: ['protocol/native'], packages: [] },
  cli: { rooms: ['client', 'options', 'config.ts'], packages: ['commander', 'cli-progress', 'node:'] },
  options: { rooms: [], packages: [] },
  'config.ts': { rooms: ['options'], packages: ['node:'] },
  'serve.ts': {
    rooms: ['store/sqlite', 'broker', 'protocol/native', 'server', 'config.ts', 'version.ts'],
    packages: ['pino', 'node:'],
  },
  'version.ts': { rooms: ['../package.json'], packages: ['node:'] },
  'main.ts': { rooms: ['cli', 'serve.ts', 'store/sqlite', 'version.ts', '../bin/holdfast.js'], packages: ['node:'] },
};

const LINES_MAX = 400;

const source = fileURLToPath(new URL('../src/', import.meta.url));
const files = readdirSync(source, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => relative(source, join(entry.parentPath, entry.name)).split(sep).join('/'))
  .toSorted();
const typescript = files.filter((file) => file.endsWith('.ts'));

const IMPORTS =
  /(?:^import\b(?:[^;']*?\bfrom)?\s*|^export\b[^;'=]*?\bfrom\s*|\bimport\(\s*)'([^']+)'|new URL\('(\.[^']+)', import\.meta\.url\)/gm;

/** The room that a file belongs to. */
function roomOf(file: string): string | undefined {
  return Object.keys(ROOMS)
    .filter((room) => file === room || file.startsWith(`${room}/`))
    .toSorted((a, b) => b.length - a.length)[0];
}

/** What the text of `file` imports against the table, in words. */
function violations(file: string, text: string): string[] {
  const room = roomOf(file);
  if (room === undefined) return [`${file} belongs to no room`];
  const allowed = ROOMS[room] ?? { rooms: [], packages: [] };
  return [...withoutComments(text).matchAll(IMPORTS)].flatMap(([, imported, url]) => {
    const specifier = imported ?? url ?? '';
    if (!specifier.startsWith('.')) {
      const known = allowed.packages.some((name) => specifier === name || (name === 'node:' && specifier.startsWith(name)));
      return known ? [] : [`${room} may not import ${specifier} (${file})`];
    }
    const path = join(dirname(file), specifier).split(sep).join('/');
    const target = roomOf(path) ?? path;
    return target === room || allowed.rooms.includes(target) ? [] : [`${room} may not import ${target} (${file})`];
  });
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*.*?\*\/|^\s*\/\/.*$/gms, '');
}

describe('the architecture', () => {
  test('lets imports go only in the directions of the table', () => {
    expect(typescript.flatMap((file) => violations(file, readFileSync(join(source, file), 'utf8')))).toEqual([]);
  });

  test.each([
    ['broker/queue.ts', "import { Session } from '../server/session.ts';", 'broker may not import server (broker/queue.ts)'],
    [
      'broker/queue.ts',
      "import type { Db } from '../store/sqlite/engine.ts';",
      'broker may not import store/sqlite (broker/queue.ts)',
    ],
    ['broker/queue.ts', "import {\n  a,\n  b,\n} from 'ws';", 'broker may not import ws (broker/queue.ts)'],
    ['broker/queue.ts', "const x = await import('node:fs');", 'broker may not import node:fs (broker/queue.ts)'],
    ['server/a/b.ts', "export { c } from '../../store/store.ts';", 'server may not import store/store.ts (server/a/b.ts)'],
    ['client/index.ts', "import '../broker/errors.ts';", 'client may not import broker (client/index.ts)'],
    [
      'protocol/native/x.ts',
      "new URL('../../cli/x.ts', import.meta.url)",
      'protocol/native may not import cli (protocol/native/x.ts)',
    ],
    ['attic/x.ts', '', 'attic/x.ts belongs to no room'],
  ])('finds the forbidden import planted in %s', (file, text, violation) => {
    expect(violations(file, text)).toEqual([violation]);
  });

  test('names files and folders in kebab-case', () => {
    const strays = files.filter(
      (file) => !/^(?:[a-z0-9]+(?:-[a-z0-9]+)*\/)*[a-z0-9]+(?:-[a-z0-9]+)*\.(?:d\.)?(?:ts|sql)$/.test(file),
    );
    expect(strays).toEqual([]);
  });

  test(`keeps every source file within ${LINES_MAX} lines`, () => {
    const long = files.filter((file) => readFileSync(join(source, file), 'utf8').split('\n').length > LINES_MAX + 1);
    expect(long).toEqual([]);
  });

  test('opens every source file with what it owns', () => {
    const silent = typescript.filter((file) => !/^\/(?:\*\*|\/)/.test(readFileSync(join(source, file), 'utf8')));
    expect(silent).toEqual([]);
  });
});
