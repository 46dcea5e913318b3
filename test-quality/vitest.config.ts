/**
 * The tests of the broker and the store alone, in one thread: a mutant is switched on, and what runs is counted, for each thread by
 * itself, so the writer's thread runs in that of the tests here.
 */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** Stryker tries each mutant with these; a test that waits for what does not come any more should not take long. */
const forMutants = process.env['STRYKER_MUTATOR_WORKER'] !== undefined;

export default defineConfig({
  root: here('..'),
  resolve: { alias: { 'node:worker_threads': here('./writer-in-this-thread.ts') } },
  test: {
    include: ['test/broker/**/*.test.ts', 'test/store/**/*.test.ts'],
    // it looks at the log for five seconds, twice
    exclude: forMutants ? ['test/store/checkpoints.test.ts'] : [],
    env: forMutants ? { HISTORY_RUNS: '60', HISTORY_SEED: '7' } : {},
    testTimeout: forMutants ? 8000 : 20_000,
    hookTimeout: forMutants ? 8000 : 20_000,
    restoreMocks: true,
    unstubEnvs: true,
    coverage: {
      include: ['src/broker/**/*.ts', 'src/store/**/*.ts'],
      reporter: ['text', 'html'],
      reportsDirectory: here('../coverage'),
      thresholds: { lines: 95 },
    },
  },
});
