/** The broker of the demo: a child process on a free port with its data in a temporary directory. Leaves neither behind. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CliError } from './cli-error.ts';

const READY = /^holdfast ready (ws:\/\/\S+:(\d+))$/m;

export class DemoBroker {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'holdfast-demo-'));
  url = '';
  readonly #launch: (args: readonly string[]) => ChildProcess;
  #child: ChildProcess | undefined;
  #port = '0';

  constructor(launch: (args: readonly string[]) => ChildProcess) {
    this.#launch = launch;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Starts it, the second time where it was the first time. */
  async start(): Promise<void> {
    const args = ['serve', '--host', '127.0.0.1', '--port', this.#port, '--data', this.dataDir, '--log-level', 'warn'];
    const child = this.#launch(args);
    this.#child = child;
    let output = '';
    await new Promise<void>((resolve, reject) => {
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        const [, url = '', port = ''] = READY.exec(output) ?? [];
        if (url === '') return;
        this.url = url;
        this.#port = port;
        resolve();
      });
      child.once('error', reject);
      child.once('exit', (code) => reject(new CliError(`the broker ended with ${code} before it was ready`)));
    });
  }

  /** With the signal that no process can answer. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  /** At once and without waiting, so that it can be done while the process ends. */
  dispose(): void {
    this.#child?.kill('SIGKILL');
    rmSync(this.dataDir, { recursive: true, force: true, maxRetries: 5 });
  }
}
