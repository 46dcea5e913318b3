import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { rigs } from '../../prove/rigs/index.ts';

const MAIN = fileURLToPath(new URL('../../prove/main.ts', import.meta.url));
const prove = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });

test('--list names every rig', () => {
  const { status, stdout } = prove('--list');
  expect(status).toBe(0);
  expect(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ')[0]),
  ).toEqual(rigs.map(({ id }) => id));
});

test.each([
  [['crahses'], 'there is no rig crahses; there are simulator, '],
  [['--seed', 'x'], '--seed x is not a whole number from 0 on'],
  [['--fast'], "Unknown option '--fast'"],
])('%j is refused with what there is instead', (args, message) => {
  const { status, stderr, stdout } = prove(...args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain(message);
  expect(stderr).toContain('npm run prove -- [rig …] [options]');
});
