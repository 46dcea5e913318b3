/**
 * A backlog by itself: its messages on a disk that a test fills, the reads that it asks for, and a store whose answers can be
 * held up. Takes messages and gives them back as a queue does. Times are in ms since the test began.
 */
import { Backlog } from '../../src/broker/backlog.ts';
import { type BrokerLimits, type Core, ReadyMemory } from '../../src/broker/core.ts';
import { Deadlines } from '../../src/broker/deadlines.ts';
import type { Entry } from '../../src/broker/entry.ts';
import { Reads } from '../../src/broker/reads.ts';
import { MemoryDisk } from '../../src/store/memory/memory-disk.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import type { QueuedMessage, ReadLimits, ReadResult, Selection, Store } from '../../src/store/store.ts';
import { ManualClock } from './manual-clock.ts';

const QUEUE = 1;
export const BODY = 'ten bytes.';

export class BacklogRig {
  readonly backlog: Backlog;
  /** What all queues hold. */
  readonly memory = new ReadyMemory();
  readonly clock = new ManualClock();
  /** How often the backlog said that there may be something new. */
  changes = 0;
  /** Bytes of bodies that the last read could bring. */
  bytesAsked = 0;
  readonly #start = this.clock.now();
  readonly #messages = new Map<number, QueuedMessage>();
  readonly #store: MemoryStore;
  readonly #asked: string[] = [];
  #held: PromiseWithResolvers<void> | undefined;

  constructor(limits: Partial<BrokerLimits> = {}) {
    const disk = new MemoryDisk();
    disk.messages.set(QUEUE, this.#messages);
    this.#store = new MemoryStore(disk);
    const read: Store['read'] = (queue, selection, readLimits) => this.#read(queue, selection, readLimits);
    const clock = this.clock.start();
    const core: Partial<Core> = {
      clock,
      deadlines: new Deadlines(clock),
      reads: new Reads({ read } as Store, (error) => {
        throw error;
      }),
      memory: this.memory,
      limits: { readyMessagesMax: 1000, readyBytesMax: 1e6, readyTotalBytesMax: 1e9, ...limits } as BrokerLimits,
    };
    this.backlog = new Backlog(core as Core, QUEUE, 0, () => this.changes++);
  }

  /** One that somebody consumes, with so many messages on disk, the first of which are read. */
  static async consumed(limits?: Partial<BrokerLimits>, stored = 0): Promise<BacklogRig> {
    const rig = new BacklogRig(limits);
    rig.store(1, stored);
    rig.backlog.resume();
    rig.backlog.peek();
    await rig.settle();
    rig.backlog.peek();
    await rig.settle();
    rig.reads();
    return rig;
  }

  get now(): number {
    return this.clock.now() - this.#start;
  }

  /** Messages that are on disk already. */
  store(from: number, to: number, due = 0, body = BODY): void {
    for (let seq = from; seq <= to; seq++) this.#put(seq, this.#time(due), body);
  }

  /** Messages that are committed now. */
  commit(from: number, to: number, due = 0): void {
    for (let seq = from; seq <= to; seq++) {
      const { message } = this.#put(seq, this.#time(due), BODY);
      this.backlog.append(seq, message, 0, this.#time(due));
    }
  }

  /** The store can't read it any more. */
  lose(seq: number): void {
    this.#messages.delete(seq);
  }

  giveBack(entries: readonly Entry[], due = 0): void {
    for (const entry of entries) {
      if (due !== 0) entry.due = this.#time(due);
      this.#put(entry.seq, entry.due, BODY);
      this.backlog.giveBack(entry);
    }
  }

  /** Takes what is ready, without waiting for the store. */
  takeReady(count = Number.POSITIVE_INFINITY): Entry[] {
    const taken: Entry[] = [];
    while (taken.length < count) {
      const entry = this.backlog.peek();
      if (entry?.message === undefined) break;
      this.backlog.take(entry);
      entry.message = undefined;
      taken.push(entry);
    }
    return taken;
  }

  /** Takes what there is, as the store answers, until nothing is asked of it any more. */
  async take(count = Number.POSITIVE_INFINITY): Promise<Entry[]> {
    const taken: Entry[] = [];
    for (let changes = -1; taken.length < count && changes !== this.changes; ) {
      changes = this.changes;
      taken.push(...this.takeReady(count - taken.length));
      await this.settle();
    }
    return taken;
  }

  /** The same, as seqs. */
  async seqs(count?: number): Promise<number[]> {
    return (await this.take(count)).map(({ seq }) => seq);
  }

  /** What was asked of the store since the last call, such as `after 7 ×128`, `due 30#4 ×128` (a time and a seq), `these 1 2`. */
  reads(): string[] {
    return this.#asked.splice(0);
  }

  settle(): Promise<void> {
    return this.clock.settle();
  }

  /** Lets it be so many ms since the test began. */
  async until(ms: number): Promise<void> {
    await this.clock.advance(this.#time(ms) - this.clock.now());
  }

  /** The store does not answer what it is asked from now on. */
  holdAnswers(): void {
    this.#held = Promise.withResolvers();
  }

  async answer(): Promise<void> {
    this.#held?.resolve();
    this.#held = undefined;
    await this.settle();
  }

  async #read(queue: number, selection: Selection, limits: ReadLimits): Promise<ReadResult> {
    const held = this.#held;
    this.#asked.push(this.#describe(selection, limits));
    this.bytesAsked = limits.bytesMax;
    const result = await this.#store.read(queue, selection, limits);
    await held?.promise;
    return result;
  }

  #describe(selection: Selection, { messagesMax }: ReadLimits): string {
    if (selection.kind === 'these') return `these ${selection.seqs.join(' ')}`;
    if (selection.kind === 'after') return `after ${selection.seq} ×${messagesMax}`;
    return `due ${selection.due === 0 ? 0 : selection.due - this.#start}#${selection.seq} ×${messagesMax}`;
  }

  #put(seq: number, due: number, body: string): QueuedMessage {
    const message = { id: String(seq), time: this.#start, body, attributes: undefined };
    const stored = { seq, attempts: 0, due, sharedBody: 0, message };
    this.#messages.set(seq, stored);
    return stored;
  }

  #time(ms: number): number {
    return ms === 0 ? 0 : this.#start + ms;
  }
}

/** The whole numbers from one to the other. */
export const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);
