/** `node:worker_threads` with a `Worker` that runs in the thread which starts it. Messages go through a channel as they always do. */
import { EventEmitter } from 'node:events';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { MessagePort, Transferable, WorkerOptions } from 'node:worker_threads';
import Database from 'better-sqlite3';

const { MessageChannel } = process.getBuiltinModule('node:worker_threads');

/** What the module that is being loaded as a worker sees. */
export let parentPort: MessagePort | null = null;
export let workerData: unknown;

/** The databases of the worker that is being loaded: a thread that is ended lets go of them. */
let opened: Set<Database.Database> | undefined;
const prototype: Database.Database = Database.prototype;
for (const method of ['exec', 'pragma'] as const) {
  const original = prototype[method] as (...args: unknown[]) => unknown;
  Object.defineProperty(prototype, method, {
    value(this: Database.Database, ...args: unknown[]) {
      opened?.add(this);
      return original.apply(this, args);
    },
  });
}

let workers = 0;
/** They are loaded one after the other. */
let loading: Promise<void> = Promise.resolve();

export class Worker extends EventEmitter {
  readonly #port: MessagePort;
  readonly #databases = new Set<Database.Database>();
  #terminated = false;

  constructor(file: URL, options: WorkerOptions) {
    super();
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.on('message', (message: unknown) => {
      if (!this.#terminated) this.emit('message', message);
    });
    loading = loading.then(() => this.#load(file, port2, options.workerData));
  }

  postMessage(message: unknown, transfer: readonly Transferable[]): void {
    this.#port.postMessage(message, transfer);
  }

  async terminate(): Promise<number> {
    this.#terminated = true;
    await loading;
    this.#port.close();
    for (const database of this.#databases) database.close();
    return 0;
  }

  async #load(file: URL, port: MessagePort, data: unknown): Promise<void> {
    parentPort = port;
    workerData = data;
    opened = this.#databases;
    try {
      // each is a module of its own, whose state nobody shares
      workers++;
      await import(`${fileURLToPath(file)}?worker=${workers}`);
    } catch (error) {
      if (!this.#terminated) this.emit('error', error);
    } finally {
      parentPort = null;
      opened = undefined;
    }
  }
}
