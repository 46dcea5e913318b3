/** A broker whose machine loses its power: its data lie on a file system of their own, which is cut off before the process ends. */
import { join } from 'node:path';
import type { KillableBroker } from '../../test/crash/crash-run.ts';
import { BrokerProcess } from '../../test/support/broker-process.ts';
import { type FileSystem, LoopMount } from './loop-mount.ts';

export class PowerCutBroker implements KillableBroker {
  readonly dataDir: string;
  readonly #disk: LoopMount;
  readonly #process: BrokerProcess;
  #running = false;

  constructor(fileSystem: FileSystem, environment: Readonly<Record<string, string>> = {}) {
    this.#disk = new LoopMount(fileSystem);
    this.dataDir = join(this.#disk.directory, 'data');
    this.#process = new BrokerProcess([], environment, this.dataDir);
  }

  get url(): string {
    return this.#process.url;
  }

  async start(): Promise<void> {
    this.#running = true;
    await this.#process.start();
  }

  /** The cut, and the power back: what was on disk is there again. */
  async kill9(): Promise<void> {
    if (!this.#running) return;
    this.#running = false;
    this.#disk.cutPower();
    await this.#process.kill9();
    this.#disk.unmount();
    this.#disk.mount();
  }

  async stop(): Promise<void> {
    await this.#process.stop();
    this.#running = false;
  }

  async dispose(): Promise<void> {
    await this.#process.kill9();
    this.#disk.remove();
  }
}
