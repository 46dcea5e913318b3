import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { bugs } from '../../prove/plants/bugs.ts';
import { hurries } from '../../prove/plants/hurries.ts';

const sourceOf = (file: string): string => readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8');

const plants = [...bugs, ...hurries];

test.each(plants)('$id can be planted: each of its texts is there once', ({ file, changes }) => {
  let text = sourceOf(file);
  for (const [from, to] of changes) {
    expect(text.split(from).length - 1, from).toBe(1);
    text = text.replace(from, () => to);
  }
  expect(text).not.toBe(sourceOf(file));
});

test('every one has a name of its own', () => {
  expect(new Set(plants.map(({ id }) => id)).size).toBe(plants.length);
});
