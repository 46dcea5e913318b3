/** The disk's side is played here: which sync has ended, and how. */
import type * as fs from 'node:fs';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WalSync } from '../../src/store/sqlite/wal-sync.ts';

const disk = vi.hoisted(() => ({
  /** How long a sync takes that is waited for, in ms. */
  ms: 0,
  /** Of those that were waited for, how many there were. */
  syncs: 0,
  underWay: [] as { file: number; end: (error: Error | null) => void }[],
}));

vi.mock('node:fs', async (original) => ({
  ...(await original<typeof fs>()),
  fdatasyncSync: () => {
    disk.syncs++;
    const until = performance.now() + disk.ms;
    while (performance.now() < until);
  },
  fdatasync: (file: number, end: (error: Error | null) => void) => void disk.underWay.push({ file, end }),
}));

let directory: string;
let failures: Error[];
let sync: WalSync;

function commit(): void {
  sync.add();
  sync.begin();
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-wal-sync-'));
  const path = join(directory, 'test.db');
  writeFileSync(`${path}-wal`, '');
  failures = [];
  disk.ms = 0;
  disk.syncs = 0;
  disk.underWay = [];
  sync = new WalSync({ path, synced: () => undefined, failed: (error) => void failures.push(error) });
});

afterEach(() => {
  sync.close();
  for (const { end } of disk.underWay) end(null);
  rmSync(directory, { recursive: true });
});

describe('on a fast disk', () => {
  it('a commit is durable when it has begun to be', () => {
    commit();
    expect(sync.durable).toBe(1);
    expect(disk.underWay).toHaveLength(0);
  });

  it('one sync covers all that was written', () => {
    sync.add();
    sync.add();
    sync.begin();
    expect(sync.durable).toBe(2);
  });
});

describe('on a slow disk', () => {
  beforeEach(() => {
    disk.ms = 5;
    commit();
  });

  it('a commit is durable when a sync that began after it has ended', () => {
    commit();
    commit();
    expect(sync.written).toBe(3);
    expect(sync.durable).toBe(1);
    disk.underWay.shift()?.end(null);
    expect(sync.durable).toBe(2);
    commit();
    disk.underWay.shift()?.end(null);
    expect(sync.durable).toBe(3);
    disk.underWay.shift()?.end(null);
    expect(sync.durable).toBe(4);
  });

  it('never more than three commits wait for it', () => {
    commit();
    commit();
    expect(sync.durable).toBe(1);
    commit();
    expect(sync.durable).toBe(4);
    for (const { end } of disk.underWay.splice(0)) end(null);
    expect(sync.durable).toBe(4);
    expect(disk.underWay).toHaveLength(0);
  });

  it('a later sync that ends earlier covers the earlier commits too', () => {
    commit();
    commit();
    disk.underWay.pop()?.end(null);
    expect(sync.durable).toBe(3);
    disk.underWay.shift()?.end(null);
    expect(sync.durable).toBe(3);
  });

  it('two syncs at a time have a file descriptor each', () => {
    commit();
    commit();
    expect(new Set(disk.underWay.map(({ file }) => file)).size).toBe(2);
    expect(disk.underWay).toHaveLength(2);
  });

  it('nothing is durable after a failed sync', () => {
    commit();
    commit();
    const [first, second] = disk.underWay.splice(0);
    first?.end(new Error('EIO'));
    second?.end(null);
    expect(failures.map(({ message }) => message)).toEqual(['EIO']);
    expect(sync.durable).toBe(1);
    expect(disk.underWay).toHaveLength(0);
  });

  it('what is not durable yet becomes so at the end', () => {
    commit();
    commit();
    expect(sync.durable).toBe(1);
    sync.close();
    expect(sync.durable).toBe(3);
    expect(disk.syncs).toBe(2);
  });

  it('waits for it again when it has become fast', () => {
    disk.ms = 0;
    for (let i = 0; i < 100; i++) {
      commit();
      disk.underWay.shift()?.end(null);
    }
    commit();
    expect(disk.underWay).toHaveLength(0);
    expect(sync.durable).toBe(102);
  });
});
