/** Starts servers and load generators as processes of their own, and sees to it that none outlives the bench. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Run } from '../loads/index.ts';
import type { DriverLine, Outcome } from './driver.ts';
import { type ProcessTree, pidsOf, processTree } from './process-tree.ts';

export interface ServerCommand {
  /** For error messages. */
  readonly title: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** Added to the bench's own, which it gets without the settings that the machine may have for a Holdfast of its own. */
  readonly environment?: Readonly<Record<string, string>>;
  /** The line on stdout or stderr that says it is ready. */
  readonly ready: RegExp;
  /** 60 seconds if not given. */
  readonly readyWithinMs?: number;
}

export interface ServerProcess extends ProcessTree {
  readonly pid: number;
  /** What `ready` found. */
  readonly ready: RegExpExecArray;
  /** SIGTERM, and SIGKILL for whatever is still there 10 s later. Resolves when all of it is gone. */
  readonly stop: () => Promise<void>;
  /** SIGKILL at once. Resolves when all of it is gone. */
  readonly kill: () => Promise<void>;
  /** SIGSTOP: none of it does anything more, until it is killed. */
  readonly freeze: () => void;
}

export interface RunOptions {
  /** After so long the driver is killed and the run has failed. 5 minutes if not given. */
  readonly deadlineMs?: number;
  /** The load has reached a mark, and goes on when this has returned. */
  readonly reached?: (mark: string) => void;
}

export interface Driver {
  /** One run at a time. @throws what the load failed with; the driver has ended then. */
  run(run: Run, options?: RunOptions): Promise<Outcome>;
  stop(): void;
}

const STOP_WITHIN_MS = 10_000;
const READY_WITHIN_MS = 60_000;
const RUN_WITHIN_MS = 300_000;
const LINES_KEPT = 20;

const running = new Set<ChildProcess>();
process.once('exit', () => running.forEach(killSession));

/** @throws with its last lines if it ends or the time is over before it is ready; nothing of it is left then. */
export async function startServer(command: ServerCommand): Promise<ServerProcess> {
  const child = spawn(command.command, command.args, {
    cwd: command.cwd,
    env: { ...withoutSettings(process.env), ...command.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const ended = whenEnded(child);
  const kill = async (): Promise<void> => {
    killSession(child);
    await ended;
  };
  try {
    const ready = await readyLine(child, command);
    const pid = child.pid ?? 0;
    const freeze = (): void => signalSession(child, 'SIGSTOP');
    return { pid, ready, ...processTree(pid), stop: () => stopServer(child, ended), kill, freeze };
  } catch (cause) {
    await kill();
    throw cause;
  }
}

/** Starts a load generator: bench/lib/driver.ts. */
export async function startDriver(): Promise<Driver> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'driver.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  void whenEnded(child);
  // what is written to a driver that has died is answered by its end
  child.stdin.on('error', () => {});
  const lines = createInterface({ input: child.stdout });
  return {
    run(run, options = {}) {
      const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
      const died = (code: number | null): void => reject(new Error(`the load generator ended with ${code ?? 'a signal'}`));
      const send = (line: unknown): void => void child.stdin.write(`${JSON.stringify(line)}\n`);
      const took = (text: string): void => {
        const line = JSON.parse(text) as DriverLine;
        if ('error' in line) return reject(new Error(line.error));
        if ('outcome' in line) return resolve(line.outcome);
        options.reached?.(line.mark);
        send('go on');
      };
      const deadlineMs = options.deadlineMs ?? RUN_WITHIN_MS;
      const timer = setTimeout(() => {
        reject(new Error(`the run was not over after ${deadlineMs / 1000} s`));
        killSession(child);
      }, deadlineMs);
      child.once('close', died);
      lines.on('line', took);
      if (child.exitCode !== null || child.signalCode !== null) died(child.exitCode);
      else send(run);
      return promise.finally(() => {
        clearTimeout(timer);
        lines.removeListener('line', took);
        child.removeListener('close', died);
      });
    },
    stop: () => killSession(child),
  };
}

function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('HOLDFAST_')));
}

async function whenEnded(child: ChildProcess): Promise<void> {
  running.add(child);
  await new Promise<void>((resolve) => {
    child.once('close', resolve);
    child.once('error', () => resolve());
  });
  running.delete(child);
}

function readyLine(child: ChildProcess, command: ServerCommand): Promise<RegExpExecArray> {
  const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
  const last: string[] = [];
  const fail = (what: string): void => reject(new Error([`${command.title} ${what}`, ...last].join('\n  ')));
  const deadlineMs = command.readyWithinMs ?? READY_WITHIN_MS;
  const timer = setTimeout(() => fail(`was not ready after ${deadlineMs / 1000} s`), deadlineMs);
  const took = (line: string): void => {
    last.push(line);
    if (last.length > LINES_KEPT) last.shift();
    const found = command.ready.exec(line);
    if (found !== null) resolve(found);
  };
  // read to the end, also after it is ready: a server must not wait for a full pipe
  for (const output of [child.stdout, child.stderr]) if (output !== null) createInterface({ input: output }).on('line', took);
  child.once('error', (error) => fail(`can't be started: ${error.message}`));
  child.once('close', (code, signal) => fail(`ended with ${code ?? signal} before it was ready`));
  return promise.finally(() => clearTimeout(timer));
}

async function stopServer(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => killSession(child), STOP_WITHIN_MS);
  await ended;
  clearTimeout(timer);
  killSession(child);
}

function killSession(child: ChildProcess): void {
  signalSession(child, 'SIGKILL');
}

/** A child is the leader of a session of its own, so that what it has started is found also after its end. */
function signalSession(child: ChildProcess, signal: 'SIGKILL' | 'SIGSTOP'): void {
  if (child.pid === undefined) return;
  const pids = new Set([...pidsOf(child.pid), ...(running.has(child) ? [child.pid] : [])]);
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // has ended meanwhile
    }
  }
}
