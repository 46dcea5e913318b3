/** A world of its own: queues, topics and clients that share nothing with those of another namespace. */
import type { QueueRecord } from '../store/store.ts';
import type { Core } from './core.ts';
import { Queue } from './queue.ts';
import type { QueueTable } from './queue-table.ts';
import { Topics } from './topics.ts';

export class Namespace {
  readonly name: string;
  readonly topics: Topics;
  readonly #core: Core;
  readonly #table: QueueTable;
  readonly #queues = new Map<string, Queue>();
  readonly #removing = new Map<string, Promise<void>>();
  readonly #finding = new Map<string, Promise<Queue | undefined>>();

  constructor(name: string, core: Core, table: QueueTable) {
    this.name = name;
    this.#core = core;
    this.#table = table;
    this.topics = new Topics(core, name);
  }

  get isIdle(): boolean {
    return this.#queues.size === 0 && this.#removing.size === 0 && this.#finding.size === 0 && this.topics.isIdle;
  }

  /** The queue if it is in memory; undefined says nothing about the store. */
  loaded(name: string): Queue | undefined {
    const queue = this.#queues.get(name);
    queue?.use();
    return queue;
  }

  /** The queue of that name if there is one. */
  async find(name: string): Promise<Queue | undefined> {
    return this.loaded(name) ?? (await (this.#finding.get(name) ?? this.#find(name)));
  }

  /** The queue of that name, made with the default settings if there is none. */
  async findOrCreate(name: string, transient = false): Promise<Queue> {
    return (await this.find(name)) ?? this.loaded(name) ?? this.#create(name, transient);
  }

  /** Removes a queue with all that is in it. */
  remove(queue: Queue): Promise<void> {
    const loaded = this.#queues.get(queue.name) ?? queue;
    this.#forget(loaded);
    loaded.removed();
    this.topics.leaving(queue.id);
    const removing = new Promise<void>((resolve) => {
      this.#core.journal.stage({ kind: 'remove', queue: queue.id }, 0, () => {
        this.#removing.delete(queue.name);
        this.topics.left(queue.id);
        resolve();
      });
    });
    this.#removing.set(queue.name, removing);
    return removing;
  }

  #find(name: string): Promise<Queue | undefined> {
    // the queue must be in memory before a later commit's answer is told, so nothing may stand between the store's answer and this
    const ask = (): Promise<Queue | undefined> =>
      this.#core.store.find(this.name, name).then(
        (record) => {
          this.#finding.delete(name);
          // one that has begun to be removed since it was asked for is as good as gone
          return record === undefined || this.#removing.has(name) ? undefined : this.#load(record);
        },
        (error: unknown) => this.#core.journal.fail(error),
      );
    // a queue of that name that is being removed must be gone from the store before the store is asked
    const finding = this.#removing.get(name)?.then(ask) ?? ask();
    this.#finding.set(name, finding);
    return finding;
  }

  #create(name: string, transient: boolean): Queue {
    const record: QueueRecord = {
      id: this.#table.nextId(),
      namespace: this.name,
      name,
      settings: this.#core.defaults,
      transient,
      ledger: { accepted: 0, acknowledged: 0 },
      reach: 0,
    };
    const queue = this.#load(record);
    queue.isNew = true;
    queue.stage({ kind: 'create', queue: record }, () => {
      queue.isNew = false;
    });
    return queue;
  }

  #load(record: QueueRecord): Queue {
    const queue = new Queue(this.#core, record);
    this.#queues.set(record.name, queue);
    this.#table.add(queue, () => this.#forget(queue));
    return queue;
  }

  #forget(queue: Queue): void {
    this.#queues.delete(queue.name);
    this.#table.delete(queue);
  }
}
