import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const textOf = (file: string): string => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');

test('every way to start the broker gives it the same young generation', () => {
  const flag = /--max-semi-space-size=\d+/.exec(textOf('bin/holdfast.js').split('\n')[0] ?? '')?.[0];
  expect(flag).toBeDefined();
  expect(JSON.parse(textOf('package.json'))).toMatchObject({ scripts: { start: `node ${flag} bin/holdfast.js` } });
  expect(textOf('Dockerfile')).toContain(`ENTRYPOINT ["node", "${flag}", "/holdfast/bin/holdfast.js"]`);
  expect(textOf('test/support/broker-process.ts')).toContain(`const NODE_FLAGS = ['${flag}'];`);
});
