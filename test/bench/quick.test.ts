import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import type { ResultLine } from '../../bench/lib/result.ts';

const MAIN = fileURLToPath(new URL('../../bench/main.ts', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'holdfast-test-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function bench(...args: readonly string[]) {
  const child = spawn(process.execPath, [MAIN, ...args, '--directory', directory], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, ended };
}

/** Command lines of processes that work in this test's directory. */
function processesHere(): readonly string[] {
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid);
  const commands = pids.map((pid) => (existsSync(`/proc/${pid}/cmdline`) ? readFileSync(`/proc/${pid}/cmdline`, 'latin1') : ''));
  return commands.filter((command) => command.includes(directory));
}

/** Costs come from /proc. */
describe.runIf(process.platform === 'linux')('a quick bench', () => {
  test.each(['s1', 's2', 's3', 's10', 's11'])('of %s measures Holdfast', async (id) => {
    const json = join(directory, `${id}.json`);
    const { child, ended } = bench(id, '--quick', '--json', json);
    const [output, problems, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    expect(code, problems).toBe(0);
    const lines = readFileSync(json, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as ResultLine);
    for (const line of lines) {
      expect(line).toMatchObject({ scenario: id, rounds: { warmUp: 0, counted: 1 } });
      expect(line.value.median).toBeGreaterThan(0);
      expect(line.serverCpuMicroseconds).toBeGreaterThanOrEqual(0);
      expect(line.driverCpuMicroseconds).toBeGreaterThan(0);
      expect(line.peakMiB).toBeGreaterThan(1);
      expect(output).toContain(`| ${line.contender}`);
    }
    expect(lines.filter(({ contender }) => contender.startsWith('Holdfast')).length).toBeGreaterThan(0);
  });

  test('leaves nothing behind when it is interrupted', async () => {
    const { child, ended } = bench('s1', '--quick', '--rounds', '1000');
    await new Promise<void>((resolve) => {
      child.stderr.on('data', (data: Buffer) => {
        if (data.includes('round 1')) resolve();
      });
    });
    child.stdout.resume();
    expect(processesHere().length).toBeGreaterThan(1);
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(processesHere()).toEqual([]);
    expect(readdirSync(directory).filter((name) => name.startsWith('holdfast-bench-'))).toEqual([]);
  });
});
