/** The composition root of the command line: hands the commands what they may not import, and the process its exit code. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './cli/run.ts';
import { version } from './version.ts';

const ENTRY = fileURLToPath(new URL('../bin/holdfast.js', import.meta.url));

/** The program itself, as a child: what `demo` runs and kills. */
function launch(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [ENTRY, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
}

process.exitCode = await run(process.argv.slice(2), {
  version,
  launch,
  // loaded when needed only: a client has no use for a database
  serve: async (config) => (await import('./serve.ts')).serve(config),
  check: async (dataDir, repair) => {
    const [{ DATABASE_FILE }, { checkDatabase }] = await Promise.all([import('./serve.ts'), import('./store/sqlite/check.ts')]);
    return checkDatabase(join(dataDir, DATABASE_FILE), repair);
  },
});
