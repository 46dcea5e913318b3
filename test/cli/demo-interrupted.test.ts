import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { startHoldfast } from '../support/holdfast-command.ts';

describe('an interrupted demo', () => {
  test('leaves neither its data nor its broker behind', async () => {
    const demo = startHoldfast(['demo']);
    await demo.printed('alice and bob join');
    demo.interrupt();
    const { code, stdout } = await demo.ended;
    expect(code).toBe(130);
    const [, url = '', dataDir = ''] = /runs at (ws:\S+), its data is in (\S+)\.\n/.exec(String(stdout)) ?? [];
    expect(dataDir).toContain('holdfast-demo-');
    expect(existsSync(dataDir)).toBe(false);
    await expect(fetch(url.replace('ws', 'http'))).rejects.toThrow('fetch failed');
  });
});
