/** S4 to S9 in small, on Holdfast alone: that they run, and say what they should. Their figures mean nothing at this size. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Measured, runScenario } from '../../bench/lib/runner.ts';
import type { Sample, Scenario } from '../../bench/lib/scenario.ts';
import { fanOutToThousand } from '../../bench/scenarios/s04-fan-out.ts';
import { returningClientsAtOnce } from '../../bench/scenarios/s05-returning-clients.ts';
import { deepQueue } from '../../bench/scenarios/s06-deep-queue.ts';
import { startAfterKill } from '../../bench/scenarios/s07-start-after-kill.ts';
import { slowDisk } from '../../bench/scenarios/s08-slow-disk.ts';
import { idleSubscribers } from '../../bench/scenarios/s09-idle-subscribers.ts';

const SCALE = 0.005;

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-bench-test-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function runInSmall(scenario: Scenario): Promise<readonly Measured[]> {
  const contenders = scenario.contenders({ peers: [], scale: SCALE, bodyFiles: [], directory });
  return runScenario(scenario, contenders, { warmUp: 0, counted: 1 }, () => undefined);
}

/** The only sample of each. */
function samplesOf(measured: readonly Measured[]): readonly Sample[] {
  expect(measured.flatMap(({ name, failure }) => (failure === undefined ? [] : [`${name} ${failure}`]))).toEqual([]);
  return measured.flatMap(({ samples }) => samples);
}

function judged(scenario: Scenario, measured: readonly Measured[]): readonly (string | undefined)[] {
  const samples = new Map(measured.map((each) => [each.name, each.samples]));
  return scenario.targets.map((target) => target.judge(samples)?.measured);
}

describe('the special scenarios', () => {
  test('S4 gives every message to every subscriber, of Holdfast and of the bare loop', async () => {
    const measured = await runInSmall(fanOutToThousand);
    expect(samplesOf(measured).map(({ messages }) => messages)).toEqual([1000, 1000]);
    expect(judged(fanOutToThousand, measured)).toEqual([expect.stringMatching(/× bare ws loop/), undefined]);
  });

  test('S5 brings every client back to what waits for it', async () => {
    const samples = samplesOf(await runInSmall(returningClientsAtOnce));
    expect(samples.map(({ messages }) => messages)).toEqual([250, 500]);
  });

  test('S6 measures beside a deep queue and out of it', async () => {
    const measured = await runInSmall(deepQueue);
    expect(samplesOf(measured).map(({ messages }) => messages)).toEqual([1500, 1500, 1500]);
    expect(judged(deepQueue, measured)).toEqual([expect.any(String), expect.any(String), expect.stringMatching(/^\d+ MB$/)]);
  });

  test('S7 kills the broker and finds what waited in it', async () => {
    const measured = await runInSmall(startAfterKill);
    const [sample] = samplesOf(measured);
    expect(sample?.value).toBeGreaterThan(0);
    expect(sample?.details?.['first delivery and ack ms']).toBeGreaterThan(0);
    expect(judged(startAfterKill, measured)).toEqual([expect.stringMatching(/ s$/), expect.stringMatching(/ MB$/)]);
  });

  test('S8 really delays the broker, or says why it can not', async () => {
    const [asIs, slow] = await runInSmall(slowDisk);
    expect(asIs?.failure).toBeUndefined();
    expect(asIs?.samples[0]?.details?.["broker's loop delay p99 ms"]).toBeGreaterThanOrEqual(0);
    const delayed = slow?.samples[0]?.details?.['delayed fsyncs'] ?? 0;
    const refused = /on Linux|a C compiler/.test(slow?.failure ?? '');
    expect({ delayed: delayed > 0, refused }).toEqual({ delayed: !refused, refused });
  });

  test('S9 divides memory among idle clients', async () => {
    const measured = await runInSmall(idleSubscribers);
    const [sample] = samplesOf(measured);
    expect(sample?.messages).toBe(50);
    expect(sample?.details?.['CPU in % of a core']).toBeGreaterThanOrEqual(0);
  });
});
