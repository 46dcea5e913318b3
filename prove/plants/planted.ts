/** How a process or a thread is told to run with a planted bug. */
export const PRELOAD = new URL('./preload.ts', import.meta.url).href;

export const VARIABLE = 'PLANTED_BUG';

/** For a process, together with `--import` of the preload in NODE_OPTIONS; for a thread, with it in its arguments. */
export function plantedEnvironment(bug: string): Readonly<Record<string, string>> {
  return { [VARIABLE]: bug, NODE_OPTIONS: `--import=${PRELOAD}` };
}
