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
  /** The log's files that are open. */
  open: new Set<number>(),
}));

vi.mock('node:fs', async (original) => ({
  ...(await original<typeof fs>()),
  openSync: (path: string, flags: string) => {
    const file = process.getBuiltinModule('node:fs').openSync(path, flags);
    disk.open.add(file);
    return file;
  },
  closeSync: (file: number) => {
    process.getBuiltinModule('node:fs').closeSync(file);
    disk.open.delete(file);
  },
  fdatasyncSync: () => {
    disk.syncs++;
    const until = performance.now() + disk.ms;
    while (performance.now() < until);
  },
  fdatasync: (file: number, end: (error: Error | null) => void) => void disk.underWay.push({ file, end }),
}));

let directory: string;
let failures: Error[];
/** How many were durable each time that there were more. */
let told: number[];
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
  told = [];
  disk.ms = 0;
  disk.syncs = 0;
  disk.underWay = [];
  disk.open.clear();
  sync = new WalSync({ path, synced: () => void told.push(sync.durable), failed: (error) => void failures.push(error) });
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

  it('one sync covers all that was written, and there is none for nothing', () => {
    sync.add();
    sync.add();
    sync.begin();
    sync.begin();
    expect([sync.durable, disk.syncs, told]).toEqual([2, 1, [2]]);
  });

  it('each is waited for', () => {
    for (let i = 0; i < 5; i++) commit();
    expect([sync.durable, disk.syncs, told]).toEqual([5, 5, [1, 2, 3, 4, 5]]);
    expect(disk.underWay).toHaveLength(0);
  });

  it('its files are closed at the end', () => {
    expect(disk.open.size).toBe(3);
    sync.close();
    expect(disk.open.size).toBe(0);
    sync.close();
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

  it('no sync begins while there is nothing new', () => {
    commit();
    sync.begin();
    expect(disk.underWay).toHaveLength(1);
    disk.underWay.shift()?.end(null);
    expect([disk.underWay.length, told]).toEqual([0, [1, 2]]);
  });

  it('what was written meanwhile has a sync of its own when one has ended', () => {
    commit();
    sync.add();
    expect(disk.underWay).toHaveLength(1);
    disk.underWay.shift()?.end(null);
    expect([disk.underWay.length, told]).toEqual([1, [1, 2]]);
    disk.underWay.shift()?.end(null);
    expect(told).toEqual([1, 2, 3]);
  });

  it('files are closed at the end when their syncs have ended', () => {
    commit();
    sync.close();
    expect(disk.open.size).toBe(1);
    disk.underWay.shift()?.end(null);
    expect(disk.open.size).toBe(0);
    expect(told).toEqual([1, 2]);
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
