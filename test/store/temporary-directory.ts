/** Directories for databases, below the system's own for such things. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export function makeTemporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'holdfast-store-'));
}

export function removeDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
}
