/** Starts a server of a benchmark as a process of its own and reads its cost from the operating system. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Outcome, Run } from './driver.ts';

export interface Child {
  readonly pid: number;
  readonly port: number;
  /** CPU seconds used so far, all threads. */
  cpuSeconds(): number;
  /** Highest resident memory so far, in MiB. */
  peakMiB(): number;
  stop(): Promise<void>;
}

export interface Driver {
  /** Does one run and returns what it printed. */
  run(run: Run): Promise<Outcome>;
  stop(): void;
}

const TICKS_PER_SECOND = 100;

/** Runs a Node program that prints a line ending with `:PORT` (or just the port) when it is ready. */
export async function startChild(script: string, args: readonly string[]): Promise<Child> {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const line = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve);
    child.once('exit', (code) => reject(new Error(`${script} ended with ${code} before it was ready`)));
  });
  const pid = child.pid ?? 0;
  const kill = (): boolean => child.kill('SIGKILL');
  process.once('exit', kill);
  return {
    pid,
    port: Number(/(\d+)\s*$/.exec(line)?.[1]),
    cpuSeconds() {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ');
      return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    },
    peakMiB() {
      return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
    },
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(kill, 5000);
      await exited;
      clearTimeout(timer);
      process.removeListener('exit', kill);
    },
  };
}

/** Starts a load generator that takes JSON lines and answers each with one. It ends with this process. */
export async function startDriver(script: string): Promise<Driver> {
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const answers = createInterface({ input: child.stdout });
  await new Promise((resolve) => child.once('spawn', resolve));
  process.once('exit', () => child.kill('SIGKILL'));
  return {
    run: (run) =>
      new Promise((resolve, reject) => {
        const died = (code: number | null): void => reject(new Error(`the load generator ended with ${code}`));
        child.once('exit', died);
        answers.once('line', (line) => {
          child.removeListener('exit', died);
          resolve(JSON.parse(line) as Outcome);
        });
        child.stdin.write(`${JSON.stringify(run)}\n`);
      }),
    stop: () => child.kill('SIGKILL'),
  };
}
