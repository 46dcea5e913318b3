import { describe, expect, test } from 'vitest';
import { optionsHelp } from '../../src/options/option-help.ts';
import { startBroker } from '../support/start-broker.ts';
import { runHoldfast } from '../support/holdfast-command.ts';

describe('the command line', () => {
  test('shows every option of the broker with its environment variable and default', async () => {
    const { code, stdout } = await runHoldfast(['serve', '--help']);
    const text = String(stdout).replaceAll(/\s+/g, ' ');
    expect(code).toBe(0);
    for (const option of optionsHelp()) {
      expect(text).toContain(`--${option.flag} <${option.placeholder}>`);
      expect(text).toContain(`env: ${option.environment}`);
      expect(text).toContain(option.default);
    }
  });

  test('says its version, and what commands there are', async () => {
    expect(String((await runHoldfast(['--version'])).stdout)).toMatch(/^\d+\.\d+\.\d+\n$/);
    const { stdout } = await runHoldfast(['--help']);
    for (const command of ['serve', 'check', 'publish', 'subscribe', 'demo']) expect(String(stdout)).toContain(`  ${command} `);
  });

  test.each([
    [['serv'], 'serve'],
    [['subscrbe', 'orders'], 'subscribe'],
    [['--prot', '1'], '--port'],
    [['serve', '--log-levl', 'warn'], '--log-level'],
    [['publish', '--topc', 'a', '1'], '--topic'],
    [['subscribe', 'orders', '--akc'], '--ack'],
  ])('refuses the typo in %j and names %s', async (args, meant) => {
    const { code, stderr } = await runHoldfast(args);
    expect(code).toBe(2);
    expect(stderr).toContain(`Did you mean ${meant}?`);
  });

  test.each([
    [['serve', '--port', '70000'], {}, /--port 70000: must be a whole number from 0 to 65535/],
    [['serve'], { HOLDFAST_PROT: '1' }, /HOLDFAST_PROT.*Did you mean HOLDFAST_PORT\?/],
    [['serve', '--host', '0.0.0.0'], {}, /refusing to listen on 0\.0\.0\.0 without a token/],
    [['publish'], {}, /publish to what\?/],
    [['publish', 'orders', '{"sku"'], {}, /the body is not JSON/],
    [['publish', 'a', 'b', '--topic', 'c'], {}, /one of the two/],
    [['subscribe'], {}, /subscribe to what\?/],
    [['publish', 'orders', '1', '--delay', 'soon'], {}, /must be a duration/],
    [['publish', 'orders', '1', '--url', 'ws://127.0.0.1:1'], {}, /no broker at ws:\/\/127\.0\.0\.1:1\. Start one/],
  ] as const)('refuses %j %j in a line without a stack', async (args, environment, line) => {
    const { code, stderr } = await runHoldfast(args, '', environment);
    expect(code).toBeGreaterThan(0);
    expect(stderr).toMatch(line);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  test('takes its address and token from the environment, and says what is wrong with a token', async () => {
    const broker = await startBroker(['--token', 'a-secret']);
    const HOLDFAST_URL = broker.url;
    expect(await runHoldfast(['publish', 'q', '1'], '', { HOLDFAST_URL, HOLDFAST_TOKEN: 'a-secret' })).toMatchObject({ code: 0 });
    const wrong = await runHoldfast(['publish', 'q', '1'], '', { HOLDFAST_URL, HOLDFAST_TOKEN: 'wrong' });
    expect(wrong).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/the token is wrong.*--token or HOLDFAST_TOKEN/) as string,
    });
    expect(wrong.stderr).not.toContain('wrong-');
  });

  test('says why the broker refused the handshake', async () => {
    const broker = await startBroker();
    const { code, stderr } = await runHoldfast(['publish', 'q', '1', '--url', `${broker.url}/no%20good`]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/refused the connection with 400: .*NAMESPACE/);
  });

  test('checks a data directory, and one that is in use is left alone', async () => {
    const broker = await startBroker();
    await runHoldfast(['publish', 'q', '1', '--url', broker.url]);
    expect(await runHoldfast(['check', '--data', broker.dataDir])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('in use') as string,
    });
    expect(await broker.stop()).toBe(0);
    const { code, stdout } = await runHoldfast(['check', '--data', broker.dataDir]);
    expect(String(stdout)).toMatch(/1 queues, 1 messages,.*\nno findings/);
    expect(code).toBe(0);
  });

  test('runs the demo', async () => {
    const { code, stdout, stderr } = await runHoldfast(['demo', '--fast']);
    expect(stderr).toBe('');
    expect(String(stdout)).toContain('✓ what was confirmed survives kill -9');
    expect(code).toBe(0);
  });
});
