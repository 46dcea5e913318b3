/**
 * Nothing that a test starts may outlive it: sockets, servers, threads, and timers that keep the process alive. Called once in a
 * test file, it looks after every test of it, and fails the one that leaves something behind.
 */
import { beforeEach } from 'vitest';
import { eventually } from './raw-client.ts';

const WATCHED = ['TCPSocketWrap', 'TCPServerWrap', 'PipeWrap', 'ProcessWrap', 'Worker', 'MessagePort', 'Timeout', 'Immediate'];
/** How long letting go may take, in ms. */
const PATIENCE_MS = 3000;

export function failOnLeaks(): void {
  beforeEach(({ onTestFinished }) => {
    const before = activeResources();
    const rejections: unknown[] = [];
    const rejected = (reason: unknown): void => void rejections.push(reason);
    process.on('unhandledRejection', rejected);
    // what is registered first runs last, so the test has let go of everything by now
    onTestFinished(async () => {
      process.off('unhandledRejection', rejected);
      if (rejections.length > 0) throw new Error('a rejection that nobody handled', { cause: rejections[0] });
      await expectNothingLeft(before);
    });
  });
}

async function expectNothingLeft(before: ReadonlyMap<string, number>): Promise<void> {
  try {
    await eventually(() => leftBehind(before).length === 0, '', PATIENCE_MS);
  } catch {
    throw new Error(`left behind: ${leftBehind(before).join(', ')}`);
  }
}

function activeResources(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

function leftBehind(before: ReadonlyMap<string, number>): string[] {
  const now = activeResources();
  return WATCHED.filter((kind) => (now.get(kind) ?? 0) > (before.get(kind) ?? 0));
}
