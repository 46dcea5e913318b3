/** Holdfast itself: the command that a user starts, with its default settings. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type ServerProcess, startServer } from '../lib/child.ts';
import type { Server, System } from '../lib/system.ts';

const ROOT = join(import.meta.dirname, '../..');

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly version: string;
  readonly scripts: { readonly start: string };
};

const built = join(ROOT, 'dist/main.js');
/** And nothing has changed since. */
const isBuilt = existsSync(built) && statSync(built).mtimeMs >= newestIn(join(ROOT, 'src'));

function newestIn(directory: string): number {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  return Math.max(...files.map((file) => statSync(join(directory, file)).mtimeMs));
}

/**
 * What `npm start` gives to Node: its flags, and the entry point. That of the package and the image, which `npm run bench` has
 * built, or where there is none that of the checkout, whose sources take 40 MB more to load.
 */
const startArguments = manifest.scripts.start
  .split(' ')
  .slice(1)
  .map((word) => (word.startsWith('-') ? word : isBuilt ? built : join(ROOT, word)));

export interface HoldfastOptions {
  /** Further arguments of `holdfast serve`. */
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export interface HoldfastServer extends Server {
  readonly process: ServerProcess;
}

/** What a user gets: `holdfast serve`, arrays of frames. */
export const holdfast: System = {
  title: 'Holdfast',
  durability: 'fsync before each confirm',
  protocol: 'holdfast',
  start: (directory) => startHoldfast(directory),
};

/** On the data in that directory, if there is any. */
export async function startHoldfast(directory: string, options: HoldfastOptions = {}): Promise<HoldfastServer> {
  const args = ['serve', '--port', '0', '--data', directory, '--log-level', 'warn', ...(options.args ?? [])];
  const started = await startServer({
    title: 'Holdfast',
    command: process.execPath,
    args: [...startArguments, ...args],
    environment: options.environment ?? {},
    ready: /^holdfast ready ws:.*:(\d+)$/,
  });
  const { cpuSeconds, residentMiB, peakMiB, stop } = started;
  return {
    port: Number(started.ready[1]),
    version: isBuilt ? manifest.version : `${manifest.version}, not built`,
    process: started,
    cpuSeconds,
    residentMiB,
    peakMiB,
    stop,
  };
}
