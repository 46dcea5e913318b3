/** Results as a run gives them, for tests of what is made of them. */
import { type ResultLine, resultLines } from '../../bench/lib/result.ts';
import type { Measured } from '../../bench/lib/runner.ts';
import type { Sample, Scenario, Target } from '../../bench/lib/scenario.ts';

export function sample(value: number, details: Readonly<Record<string, number>> = {}): Sample {
  return { value, messages: 1000, serverCpuSeconds: 0.01, driverCpuSeconds: 0.002, peakMiB: 100 + value / 1000, details };
}

export function scenario(targets: readonly Target[] = []): Scenario {
  return {
    id: 's1',
    title: 'One queue',
    description: 'All through one queue.',
    unit: 'messages/s',
    better: 'more',
    warmUpRounds: 1,
    rounds: 3,
    contenders: () => [],
    targets,
  };
}

const MEASURED: readonly Measured[] = [
  {
    name: 'Holdfast',
    durability: 'fsync before each confirm',
    version: '0.1.0',
    samples: [sample(2000), sample(3000), sample(1000)],
  },
  { name: 'Mosquitto', durability: 'in <memory>', samples: [sample(4000), sample(8000), sample(6000)] },
  { name: 'RabbitMQ', durability: 'fsync', samples: [sample(1)], failure: 'failed to run: it was closed\nand more about that' },
];

export function lines(of: Scenario, startedAt = '2026-01-02T03:04:05.000Z'): readonly ResultLine[] {
  const machine = {
    processor: 'A Processor',
    cores: 2,
    memoryGiB: 8,
    system: 'Linux 6',
    node: 'v24.0.0',
    fileSystem: 'ext4',
    fsyncMs: 0.5,
    holdfast: '0.1.0',
  };
  return resultLines(of, { warmUp: 1, counted: 3 }, MEASURED, { startedAt, scale: 1, machine });
}
