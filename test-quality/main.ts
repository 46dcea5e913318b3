/**
 * `npm run coverage` and `npm run mutation`: how much of the broker and the store their tests reach, and how many planted mistakes they
 * notice. What this needs is installed here and not with the project, since only who asks these questions has a use for it.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import process from 'node:process';

const USAGE = `npm run coverage
npm run mutation -- [options] [file …]

  mutation: the files to be mutated, such as src/broker/queue.ts; without one, all of src/broker and src/store, which takes hours
  --concurrency N   how many mutants are tried at a time (default: one a core)`;

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('..', import.meta.url));

function run(command: string, args: readonly string[], directory: string): void {
  const { status, error } = spawnSync(command, args, { cwd: directory, stdio: 'inherit', shell: process.platform === 'win32' });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

const [what, ...rest] = process.argv.slice(2);
if ((what !== 'coverage' && what !== 'mutation') || rest.includes('--help')) {
  console.log(USAGE);
  process.exit(what === undefined || rest.includes('--help') ? 0 : 2);
}
run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], here);
if (what === 'coverage') {
  const provider = `${here}coverage-provider.js`;
  const coverage = ['--coverage.enabled', '--coverage.provider=custom', `--coverage.customProviderModule=${provider}`];
  run(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', '--config', 'test-quality/vitest.config.ts', ...coverage],
    root,
  );
} else {
  const files = rest.filter((arg) => arg.endsWith('.ts'));
  const options = rest.filter((arg) => !arg.endsWith('.ts'));
  const mutate = files.length === 0 ? [] : ['--mutate', files.join(',')];
  run(
    process.execPath,
    [
      `${here}node_modules/@stryker-mutator/core/bin/stryker.js`,
      'run',
      'test-quality/stryker.config.json',
      ...mutate,
      ...options,
    ],
    root,
  );
}
