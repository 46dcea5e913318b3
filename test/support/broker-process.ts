/**
 * A broker as users run it: the program in a process of its own, on a free port, its data in a temporary directory. Nothing of it
 * outlives the test that started it, also when that fails.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** As `npm start` and the package give them to Node. */
const NODE_FLAGS = ['--max-semi-space-size=16'];

export const ENTRY = fileURLToPath(new URL('../../bin/holdfast.js', import.meta.url));

/** Without the settings that the machine may have for a broker of its own. */
export function cleanEnvironment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('HOLDFAST_'));
  return { ...Object.fromEntries(own), ...more };
}

const READY = /^holdfast ready (ws:\/\/\S+:(\d+))$/m;

export class BrokerProcess {
  readonly dataDir: string;
  url = '';
  readonly #args: readonly string[];
  readonly #environment: Readonly<Record<string, string>>;
  /** When the test process ends early, there is no time to wait for anything. */
  readonly #abandon = (): void => {
    this.#child?.kill('SIGKILL');
    rmSync(this.dataDir, { recursive: true, force: true, maxRetries: 3 });
  };
  #child: ChildProcess | undefined;
  #port = '0';
  #stderr = '';

  constructor(
    args: readonly string[],
    environment: Readonly<Record<string, string>>,
    dataDir = mkdtempSync(join(tmpdir(), 'holdfast-test-')),
  ) {
    this.dataDir = dataDir;
    this.#args = args;
    this.#environment = environment;
    process.once('exit', this.#abandon);
  }

  /** What it has written to stderr so far, in all its lives. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Starts it, the second time on the same data and the same port. */
  async start(): Promise<void> {
    const args = [
      ...NODE_FLAGS,
      ENTRY,
      'serve',
      '--port',
      this.#port,
      '--data',
      this.dataDir,
      '--log-level',
      'warn',
      ...this.#args,
    ];
    const child = spawn(process.execPath, args, { env: cleanEnvironment(this.#environment), stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    let output = '';
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`the broker ended with ${code} before it was ready: ${this.#stderr}`)));
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        const [, url, port] = READY.exec(output) ?? [];
        if (url === undefined || port === undefined) return;
        this.url = url;
        this.#port = port;
        resolve();
      });
    });
  }

  /** Of the one that was started last. */
  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error('the broker was not started');
    return this.#child.pid;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Whether it ends by itself in this time. */
  async endsWithin(ms: number): Promise<boolean> {
    const child = this.#child;
    if (child === undefined || !this.isRunning) return true;
    const signal = AbortSignal.timeout(ms);
    return once(child, 'exit', { signal }).then(
      () => true,
      () => false,
    );
  }

  /** `kill -9`. */
  async kill9(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Ends it in good order; resolves with its exit code. */
  stop(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  async dispose(): Promise<void> {
    await this.kill9();
    process.off('exit', this.#abandon);
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
    return child.exitCode;
  }
}
