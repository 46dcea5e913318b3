import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, test, vi } from 'vitest';
import { peersTable, type Row } from '../../prove/peers/peers-table.ts';
import { settings, settingsNamed } from '../../prove/peers/settings.ts';

const MAIN = fileURLToPath(new URL('../../prove/peers/main.ts', import.meta.url));
const setting = { id: 'broker', product: 'Broker', title: 'default', promise: 'on disk' };
const tally: Row['tally'] = {
  version: '1.2',
  rounds: 20,
  published: 12_445,
  confirmed: 12_345,
  lost: 1001,
  roundsWithLoss: 3,
  seconds: 2,
  failures: ['round 3: gone'],
};

const cells = (row: Row): readonly string[] =>
  (peersTable([row]).split('\n')[2] ?? '')
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

describe('the table of the peers', () => {
  it('has a row for each setting, with what was counted', () => {
    const [head = '', rule, ...rows] = peersTable([
      { setting, tally },
      { setting, tally },
    ]).split('\n');
    expect(head).toMatch(/^\| broker +\| setting +\| a confirmed message, by its documents \| rounds \| confirmed \| +lost \|/);
    expect(rule).toMatch(/^\| -+ \| -+ \| -+ \| -+: \|/);
    expect(rows).toHaveLength(2);
    expect(cells({ setting, tally })).toEqual(['Broker 1.2', 'default', 'on disk', '20', '12,345', '1,001', '3', '1', '6,173']);
  });

  it('has no name before a version that says it, and no rate of nothing', () => {
    const row = cells({
      setting: { ...setting, product: '' },
      tally: { ...tally, version: 'Valkey 9', confirmed: 0, seconds: 0 },
    });
    expect([row[0], row[8]]).toEqual(['Valkey 9', '0']);
  });

  it('says what was skipped, or failed', () => {
    expect(cells({ setting, skipped: 'no broker in PATH' })[3]).toBe('skipped: no broker in PATH');
    expect(cells({ setting, failed: 'no port' })[3]).toBe('failed: no port');
  });
});

describe('the settings', () => {
  it('are all of them if none is named, and else those in their order', () => {
    expect(settingsNamed([])).toBe(settings);
    expect(settingsNamed(['valkey', 'nats']).map(({ id }) => id)).toEqual(['nats', 'valkey']);
    expect(() => settingsNamed(['kafka'])).toThrow('there is no setting kafka; there are holdfast, nats, ');
  });

  it('are only those of Holdfast where no command of a peer is found', () => {
    vi.stubEnv('PATH', '');
    for (const peer of ['NATS_SERVER', 'RABBITMQ_SERVER', 'VALKEY_SERVER']) vi.stubEnv(`BENCH_${peer}`, '');
    expect(settings.filter(({ find }) => find() !== undefined).map(({ id }) => id)).toEqual(['holdfast']);
    vi.stubEnv('BENCH_NATS_SERVER', '/opt/nats/nats-server');
    expect(settings.filter(({ find }) => find() !== undefined).map(({ id }) => id)).toEqual(['holdfast', 'nats', 'nats-always']);
  });
});

test.each([
  [['kafka'], 'there is no setting kafka; there are holdfast, '],
  [['--rounds', '0'], '--rounds 0 is not a whole number from 1 on'],
  [['--quick'], "Unknown option '--quick'"],
])('%j is refused with what there is instead', (args, message) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain(message);
  expect(stderr).toContain('npm run prove:peers -- [setting …] [options]');
});
