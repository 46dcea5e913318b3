/** `holdfast demo`: runs the scenes, and sees to it that nothing of them stays behind, however they end. */
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, type ExitCode } from './cli-error.ts';
import { DemoBroker } from './demo-broker.ts';
import { type DemoStage, jobScene, roomScene } from './demo-scenes.ts';

/** Between two lines, so that a person can follow. */
const PACE_MS = 1500;

const GO_ON = `
How to go on:
  holdfast serve                                    a broker of your own (in a checkout: npm start)
  holdfast subscribe orders --ack                   in another terminal: prints what comes
  holdfast publish orders '{"sku":"A-17"}'          in a third one
The wire is plain JSON over a WebSocket: docs/protocol.md. Programs to start from: examples/.`;

export async function demoCommand(launch: (args: readonly string[]) => ChildProcess, fast: boolean): Promise<ExitCode> {
  const broker = new DemoBroker(launch);
  const clean = (): void => broker.dispose();
  const interrupt = (): never => process.exit(EXIT.interrupted);
  process.once('exit', clean);
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  const stage: DemoStage = {
    broker,
    say: async (line) => {
      console.log(line);
      if (!fast) await sleep(PACE_MS);
    },
  };
  try {
    const shown = [...(await roomScene(stage)), ...(await jobScene(stage))];
    console.log(`\nShown, and checked:\n${shown.map((claim) => `  ✓ ${claim}`).join('\n')}\n${GO_ON}`);
    return EXIT.ok;
  } finally {
    await broker.kill();
    clean();
    process.off('exit', clean);
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}
