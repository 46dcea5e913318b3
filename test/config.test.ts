import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { configurationPage } from '../scripts/configuration-doc.ts';
import { ConfigError, type Environment, type Flags, refusalToListen, resolveConfig } from '../src/config.ts';
import { formatAmount, parseValue } from '../src/options/option-value.ts';
import { OPTIONS, type Option } from '../src/options/options.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

function problemsOf(flags: Flags, environment: Environment = {}, readText?: (path: string) => string): readonly string[] {
  try {
    resolveConfig(flags, environment, readText);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe('the configuration', () => {
  test('is made of the defaults when nothing is given', () => {
    expect(resolveConfig({}, {})).toEqual({
      host: '127.0.0.1',
      port: 4653,
      dataDir: './data',
      logLevel: 'info',
      token: undefined,
      allowedOrigins: [],
      frameBytesMax: MIB,
      helloBytesMax: 64 * KIB,
      batchMax: 1000,
      headersMax: 32,
      headerBytesMax: KIB,
      depthMax: 1000,
      prefetchMax: 10_000,
      dedupWindowMs: 300_000,
      leaseMs: 60_000,
      heartbeatMs: 20_000,
      helloTimeoutMs: 30_000,
      idleUnloadMs: 30_000,
      drainTimeoutMs: 10_000,
      uncommittedBytesMax: 32 * MIB,
      diskReserveBytes: 128 * MIB,
      readyMessagesMax: 2000,
      readyBytesMax: 4 * MIB,
      unackedMax: 50_000,
      subscriptionsMax: 1000,
      outboundBytesMax: 128 * KIB,
      outboundTotalBytesMax: 64 * MIB,
      connectionsMax: 65_536,
    });
  });

  test('takes a flag before its environment variable, and that before the default', () => {
    const environment = { HOLDFAST_PORT: '1', HOLDFAST_DATA: '/data' };
    expect(resolveConfig({ port: '2' }, environment)).toMatchObject({ port: 2, dataDir: '/data' });
  });

  test('takes flags by their own name and as commander names them', () => {
    expect(resolveConfig({ 'frame-max': '2MiB' }, {}).frameBytesMax).toBe(2 * MIB);
    expect(resolveConfig({ frameMax: '2MiB' }, {}).frameBytesMax).toBe(2 * MIB);
  });

  test.each([
    ['1048576', MIB],
    ['1MiB', MIB],
    ['1mib', MIB],
    ['64KiB', 64 * KIB],
    [' 2MiB ', 2 * MIB],
  ])('reads the size %s as %d bytes', (text, bytes) => {
    expect(resolveConfig({ 'frame-max': text }, {}).frameBytesMax).toBe(bytes);
  });

  test.each([
    ['5000', 5000],
    ['500ms', 500],
    ['5s', 5000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['1d', 86_400_000],
  ])('reads the duration %s as %d ms', (text, ms) => {
    expect(resolveConfig({ 'dedup-window': text }, {}).dedupWindowMs).toBe(ms);
  });

  test('reads back every amount that it prints', () => {
    const amounts = Object.values<Option>(OPTIONS).filter((option) => 'min' in option);
    fc.assert(
      fc.property(fc.constantFrom(...amounts), fc.double({ min: 0, max: 1, noNaN: true }), (option, share) => {
        const value = Math.round(option.min + share * (option.max - option.min));
        expect(parseValue(option, formatAmount(value, option.kind))).toEqual({ value });
      }),
    );
  });

  test.each(Object.values<Option>(OPTIONS).filter((option) => 'min' in option))(
    'has a default for $flag within its limits',
    (option) => {
      expect(parseValue(option, String(option.default))).toEqual({ value: option.default });
    },
  );

  test('takes origins repeated or separated by commas', () => {
    const expected = ['https://a.example', 'http://localhost:3000'];
    expect(resolveConfig({ allowOrigin: expected }, {}).allowedOrigins).toEqual(expected);
    expect(resolveConfig({}, { HOLDFAST_ALLOW_ORIGIN: 'https://a.example, http://localhost:3000' }).allowedOrigins).toEqual(
      expected,
    );
  });
});

describe('a wrong value', () => {
  test.each<[Flags, Environment, string]>([
    [{ port: '70000' }, {}, '--port 70000: must be a whole number from 0 to 65535'],
    [{ port: '-1' }, {}, '--port -1: must be a whole number from 0 to 65535'],
    [{ port: '4k' }, {}, '--port 4k: must be a whole number from 0 to 65535'],
    [{ port: '' }, {}, '--port "": must be a whole number from 0 to 65535'],
    [{}, { HOLDFAST_PORT: 'http' }, 'HOLDFAST_PORT=http: must be a whole number from 0 to 65535'],
    [{ 'frame-max': '1MB' }, {}, '--frame-max 1MB: must be a size from 1KiB to 64MiB, such as 65536, 64KiB or 1MiB'],
    [{ lease: '5 minutes' }, {}, '--lease 5 minutes: must be a duration from 1s to 1d, such as 500ms, 5s, 5m or 1h'],
    [{ logLevel: 'loud' }, {}, '--log-level loud: must be one of fatal, error, warn, info, debug, trace, silent'],
    [
      { allowOrigin: ['https://a.example/app'] },
      {},
      '--allow-origin https://a.example/app: must be origins such as https://app.example.com, without a path, separated by commas',
    ],
    [{}, { HOLDFAST_DATA: '' }, 'HOLDFAST_DATA=: must be something: it is empty'],
    [{ frameMax: '64MiB' }, {}, '--frame-max 64MiB: must not be above --uncommitted-max 32MiB'],
    [{ helloMax: '2MiB' }, {}, '--hello-max 2MiB: must not be above --frame-max 1MiB'],
  ])('%j %j is refused with what it should be', (flags, environment, problem) => {
    expect(problemsOf(flags, environment)).toEqual([problem]);
  });

  test('does not hide the others', () => {
    expect(problemsOf({ port: 'x', lease: 'y' }, { HOLDFAST_HEARTBEAT: 'z' })).toHaveLength(3);
  });
});

describe('an unknown name', () => {
  test.each<[Flags, Environment, string]>([
    [{ prot: '1' }, {}, '--prot: there is no such option. Did you mean --port?'],
    [{ 'frames-max': '1' }, {}, '--frames-max: there is no such option. Did you mean --frame-max?'],
    [{ zzzzzzzzzzzz: '1' }, {}, '--zzzzzzzzzzzz: there is no such option'],
    [{}, { HOLDFAST_PROT: '1' }, 'HOLDFAST_PROT: there is no such setting. Did you mean HOLDFAST_PORT?'],
    [{}, { HOLDFAST_TOKENS: 'x' }, 'HOLDFAST_TOKENS: there is no such setting. Did you mean HOLDFAST_TOKEN?'],
  ])('%j %j is refused with the nearest one', (flags, environment, problem) => {
    expect(problemsOf(flags, environment)).toEqual([problem]);
  });

  test('of an environment variable that is not ours is none of our business', () => {
    expect(problemsOf({}, { PATH: '/bin', HOLD: 'x' })).toEqual([]);
  });

  test('is let through when Kubernetes has set it for a service named holdfast', () => {
    const links = {
      HOLDFAST_SERVICE_HOST: '10.0.0.7',
      HOLDFAST_SERVICE_PORT_WS: '4653',
      HOLDFAST_PORT: 'tcp://10.0.0.7:4653',
      HOLDFAST_PORT_4653_TCP_ADDR: '10.0.0.7',
    };
    expect(resolveConfig({}, links).port).toBe(4653);
  });
});

describe('the token', () => {
  test('comes from its file without the space around it', () => {
    expect(resolveConfig({ 'token-file': '/run/secrets/token' }, {}, (path) => `${path}\n`).token).toBe('/run/secrets/token');
  });

  test('is refused when it is given twice', () => {
    expect(problemsOf({ tokenFile: 'f' }, { HOLDFAST_TOKEN: 'x' }, () => 'y')).toEqual([
      'both a token and a token file are given: set one of HOLDFAST_TOKEN and --token-file',
    ]);
  });

  test.each([{ HOLDFAST_TOKEN: '' }, { HOLDFAST_TOKEN: 'two words' }])('%j is refused and not repeated', (environment) => {
    expect(problemsOf({}, environment)).toEqual(['HOLDFAST_TOKEN: must be 1 to 4096 visible ASCII characters without a space']);
  });

  test('is refused when its file is empty', () => {
    expect(problemsOf({ tokenFile: 'f' }, {}, () => '\n')).toEqual([
      'token file f: must hold 1 to 4096 visible ASCII characters without a space',
    ]);
  });

  test('is refused when its file cannot be read', () => {
    expect(problemsOf({ tokenFile: '/no/such/file' })).toEqual([
      expect.stringMatching(/^token file \/no\/such\/file: cannot be read \(ENOENT/),
    ]);
  });
});

describe('a broker without a token', () => {
  test.each(['127.0.0.1', '127.8.9.10', '::1', '0:0:0:0:0:0:0:1', 'localhost', 'LOCALHOST'])('may listen on %s', (host) => {
    expect(refusalToListen({ host, token: undefined })).toBeUndefined();
  });

  test.each(['0.0.0.0', '::', '192.168.1.4', '128.0.0.1', '127.0.0.1.example.com', 'localhost.example.com', ''])(
    'is told what to set when it would listen on "%s"',
    (host) => {
      expect(refusalToListen({ host, token: undefined })).toMatch(/HOLDFAST_TOKEN or --token-file/);
      expect(refusalToListen({ host, token: 'secret' })).toBeUndefined();
    },
  );
});

test('docs/configuration.md holds the table of options as the code has it', () => {
  const { current, wanted } = configurationPage();
  expect(current, 'run `npm run docs`').toBe(wanted);
});
