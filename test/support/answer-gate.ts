/** Withholds what the store answers to some calls until a test lets it through, and says what the store was asked for. */
import type { QueueRecord, ReadLimits, ReadResult, Selection, Store } from '../../src/store/store.ts';
import { FaultyStore } from './faulty-store.ts';

export class AnswerGate {
  /** The queues that were looked up. */
  readonly found: string[] = [];
  /** What kinds of messages were read. */
  readonly reads: Selection['kind'][] = [];
  readonly #shut = new Map<keyof Store, PromiseWithResolvers<void>>();

  readonly wrap = (store: Store): Store => new GatedStore(store, this);

  shut(call: keyof Store): void {
    this.#shut.set(call, Promise.withResolvers());
  }

  open(call: keyof Store): void {
    this.#shut.get(call)?.resolve();
    this.#shut.delete(call);
  }

  async pass(call: keyof Store): Promise<void> {
    await this.#shut.get(call)?.promise;
  }
}

class GatedStore extends FaultyStore {
  readonly #gate: AnswerGate;

  constructor(inner: Store, gate: AnswerGate) {
    super(inner, { delay: (call) => gate.pass(call) });
    this.#gate = gate;
  }

  override find(namespace: string, name: string): Promise<QueueRecord | undefined> {
    this.#gate.found.push(name);
    return super.find(namespace, name);
  }

  override read(queue: number, selection: Selection, limits: ReadLimits): Promise<ReadResult> {
    this.#gate.reads.push(selection.kind);
    return super.read(queue, selection, limits);
  }
}
