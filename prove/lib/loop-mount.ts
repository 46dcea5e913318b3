/**
 * A file system on a loop device, whose power can be cut: it is shut down as it is, with nothing more written, as when the machine
 * goes dark (the ioctl behind `xfs_io -x -c shutdown`, which ext4 knows as well). Needs root.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

export type FileSystem = 'ext4' | 'xfs';

/** XFS makes no smaller ones. */
const SIZE_MIB = 400;

/** Why a power cut can't be had here. */
export function noPowerCut(fileSystem: FileSystem): string | undefined {
  if (process.platform !== 'linux') return 'it needs Linux';
  if (process.getuid?.() !== 0) return 'it needs root';
  for (const command of [`mkfs.${fileSystem}`, 'xfs_io', 'mount', 'losetup'])
    if (spawnSync('sh', ['-c', `command -v ${command}`]).status !== 0) return `it needs ${command} (Debian: xfsprogs, e2fsprogs)`;
  try {
    new LoopMount(fileSystem).remove();
    return undefined;
  } catch (error) {
    return `a loop device can't be mounted: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}`;
  }
}

export class LoopMount {
  readonly directory: string;
  readonly #home = mkdtempSync(join(tmpdir(), 'holdfast-prove-'));
  readonly #image = join(this.#home, 'disk.img');
  readonly #fileSystem: FileSystem;
  readonly #atExit = (): void => this.remove();
  #mounted = false;

  constructor(fileSystem: FileSystem) {
    this.#fileSystem = fileSystem;
    this.directory = join(this.#home, 'mount');
    process.once('exit', this.#atExit);
    try {
      mkdirSync(this.directory);
      writeFileSync(this.#image, '');
      truncateSync(this.#image, SIZE_MIB * 2 ** 20);
      execFileSync(`mkfs.${fileSystem}`, ['-q', this.#image], { stdio: 'pipe' });
      this.mount();
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  mount(): void {
    execFileSync('mount', ['-o', 'loop', '-t', this.#fileSystem, this.#image, this.directory], { stdio: 'pipe' });
    this.#mounted = true;
  }

  /** Also for servers that run as a user of their own. */
  openToAll(): void {
    chmodSync(this.#home, 0o755);
    chmodSync(this.directory, 0o777);
  }

  /** All that was written so far is on disk. */
  sync(): void {
    execFileSync('sync', ['--file-system', this.directory], { stdio: 'pipe' });
  }

  /** Whatever is not on disk by now never will be. */
  cutPower(): void {
    execFileSync('xfs_io', ['-x', '-c', 'shutdown', this.directory], { stdio: 'pipe' });
  }

  /** Nobody may have a file open there. */
  unmount(): void {
    execFileSync('umount', [this.directory], { stdio: 'pipe' });
    this.#mounted = false;
  }

  remove(): void {
    process.off('exit', this.#atExit);
    if (this.#mounted) spawnSync('umount', ['-l', this.directory]);
    this.#mounted = false;
    rmSync(this.#home, { recursive: true, force: true });
  }
}
