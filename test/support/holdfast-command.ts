/** Runs the command line as a person would, to its end. */
import { spawn } from 'node:child_process';
import { onTestFinished } from 'vitest';
import { cleanEnvironment, ENTRY } from './broker-process.ts';

export interface Outcome {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface RunningCommand {
  readonly ended: Promise<Outcome>;
  /** Resolves when stdout holds this text. */
  readonly printed: (text: string) => Promise<void>;
  readonly interrupt: () => void;
}

/** Starts it; it ends with the test at the latest. */
export function startHoldfast(
  args: readonly string[],
  input: string | Buffer = '',
  environment: Readonly<Record<string, string>> = {},
): RunningCommand {
  const child = spawn(process.execPath, [ENTRY, ...args], {
    env: cleanEnvironment(environment),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const chunks: Buffer[] = [];
  let stderr = '';
  let looking: (() => void)[] = [];
  child.stdout.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    for (const look of looking) look();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // a command that refuses its arguments does not read its input
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const ended = new Promise<Outcome>((resolve) => {
    child.on('close', (code) => resolve({ code, stdout: Buffer.concat(chunks), stderr }));
  });
  const printed = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!Buffer.concat(chunks).includes(text)) return;
        looking = looking.filter((other) => other !== look);
        resolve();
      };
      looking.push(look);
      look();
      void ended.then(() => reject(new Error(`it ended without printing ${text}: ${stderr}`)));
    });
  return { ended, printed, interrupt: () => void child.kill('SIGINT') };
}

export function runHoldfast(
  args: readonly string[],
  input: string | Buffer = '',
  environment: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  return startHoldfast(args, input, environment).ended;
}
