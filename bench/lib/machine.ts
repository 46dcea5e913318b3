/** What the figures were measured on. */
import { execFileSync } from 'node:child_process';
import { closeSync, fsyncSync, openSync, readFileSync, realpathSync, rmSync, writeSync } from 'node:fs';
import { cpus, release, totalmem, type as systemName } from 'node:os';
import { join } from 'node:path';
import { medianOf } from './statistics.ts';

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  /** The file system of the servers' data, and how long a write and fsync of 4 KiB takes there: the median of a hundred. */
  readonly fileSystem: string;
  readonly fsyncMs: number;
  /** Holdfast's version and, in a work tree, its commit. */
  readonly holdfast: string;
}

export function describeMachine(directory: string): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown processor',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${systemName()} ${release()}`,
    node: process.version,
    fileSystem: fileSystemOf(directory),
    fsyncMs: fsyncMsIn(directory),
    holdfast: holdfastRevision(),
  };
}

/** One line. */
export function machineText({ processor, cores, memoryGiB, system, node, fileSystem, fsyncMs, holdfast }: Machine): string {
  return (
    `${cores} × ${processor}, ${memoryGiB} GiB, ${system}, data on ${fileSystem} ` +
    `(a write and fsync of 4 KiB: ${fsyncMs.toFixed(2)} ms), Node ${node.slice(1)}, Holdfast ${holdfast}`
  );
}

/** Whether what is fsynced there would be gone with the power. */
export function isInMemory({ fileSystem }: Machine): boolean {
  return fileSystem === 'tmpfs' || fileSystem === 'ramfs';
}

/** The type of the mount with the longest path that leads there. */
function fileSystemOf(directory: string): string {
  if (process.platform !== 'linux') return 'an unknown file system';
  const path = `${realpathSync(directory)}/`;
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, at]) => at !== undefined && path.startsWith(at.endsWith('/') ? at : `${at}/`));
  const nearest = mounts.reduce<readonly string[]>(
    (best, mount) => ((mount[1] ?? '').length >= (best[1] ?? '').length ? mount : best),
    [],
  );
  return nearest[2] ?? 'an unknown file system';
}

function fsyncMsIn(directory: string): number {
  const file = join(directory, 'fsync');
  const descriptor = openSync(file, 'w');
  const page = Buffer.alloc(4096, 1);
  const times = Array.from({ length: 100 }, () => {
    const start = performance.now();
    writeSync(descriptor, page);
    fsyncSync(descriptor);
    return performance.now() - start;
  });
  closeSync(descriptor);
  rmSync(file);
  return medianOf(times);
}

function holdfastRevision(): string {
  const root = join(import.meta.dirname, '../..');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', ['-C', root, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    const changed = git('status', '--porcelain', '--', 'src', 'bin') === '' ? '' : ' with changes';
    return `${version} (${git('rev-parse', '--short', 'HEAD')}${changed})`;
  } catch {
    return version;
  }
}
