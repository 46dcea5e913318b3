/**
 * The reference engine, for tests and simulation: does what the port says in the plainest way, and is never quick.
 *
 * A call takes effect and answers in a microtask of its own, in call order. On a disk that a later store took over, calls take
 * no effect and never answer, as after a crash.
 */
import {
  type BoundQueue,
  type Change,
  type CommitReport,
  type Placement,
  type Publication,
  type PublishVerdict,
  type QueuedMessage,
  type QueueRecord,
  type ReadLimits,
  type ReadResult,
  type Recovered,
  type Selection,
  type SettledMessage,
  type Store,
  sharedBodyOf,
} from '../store.ts';
import { filterMatches } from '../topic-filter.ts';
import { MemoryDisk, type RememberedId } from './memory-disk.ts';

type PublishChange = Extract<Change, { readonly kind: 'publish' }>;
type PlainChange = Exclude<Change, PublishChange>;

export class MemoryStore implements Store {
  readonly #disk: MemoryDisk;
  readonly #opening: number;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(disk: MemoryDisk = new MemoryDisk()) {
    this.#disk = disk;
    this.#opening = ++disk.opened;
    for (const { id, transient } of disk.queues.values()) if (transient) this.#remove(id);
  }

  recover(): Promise<Recovered> {
    return this.#inOrder(() => ({ seq: this.#disk.seq, queue: this.#disk.queue }));
  }

  commit(changes: readonly Change[]): Promise<CommitReport> {
    return this.#inOrder(() => {
      const report = new Map<number, PublishVerdict>();
      for (const [index, change] of changes.entries()) {
        const verdict = change.kind === 'publish' ? this.#publish(change) : this.#apply(change);
        if (verdict !== undefined) report.set(index, verdict);
      }
      return report;
    });
  }

  find(namespace: string, name: string): Promise<QueueRecord | undefined> {
    return this.#inOrder(() =>
      [...this.#disk.queues.values()].find((queue) => queue.namespace === namespace && queue.name === name),
    );
  }

  match(namespace: string, topic: string): Promise<readonly BoundQueue[]> {
    return this.#inOrder(() =>
      this.#disk.bindings
        .filter((binding) => binding.namespace === namespace && filterMatches(binding.filter, topic))
        .map(({ queue, filter }) => ({ queue, filter })),
    );
  }

  read(queue: number, selection: Selection, limits: ReadLimits): Promise<ReadResult> {
    return this.#inOrder(() => limited(select([...this.#messagesOf(queue).values()], selection), limits));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#last;
  }

  #inOrder<T>(work: () => T): Promise<T> {
    if (this.#closed) return Promise.reject(new Error('the store was closed'));
    const answer = this.#last.then(() => {
      if (this.#disk.opened === this.#opening) return work();
      return new Promise<never>(() => {});
    });
    this.#last = answer;
    return answer;
  }

  #apply(change: PlainChange): undefined {
    switch (change.kind) {
      case 'settle':
        for (const message of change.messages) this.#settle(change.queue, message);
        return;
      case 'return': {
        const { queue, seq, attempts, due } = change;
        const message = this.#messagesOf(queue).get(seq);
        if (message !== undefined) this.#messagesOf(queue).set(seq, { ...message, attempts, due });
        return;
      }
      case 'reach':
        this.#updateQueue(change.queue, () => ({ reach: change.seq }));
        return;
      case 'create':
        this.#disk.queues.set(change.queue.id, change.queue);
        this.#disk.queue = Math.max(this.#disk.queue, change.queue.id + 1);
        return;
      case 'configure':
        this.#updateQueue(change.queue, () => ({ settings: change.settings }));
        return;
      case 'remove':
        this.#remove(change.queue);
        return;
      case 'bind': {
        const { namespace, queue, filter } = change;
        this.#unbind(queue, filter);
        this.#disk.bindings = [...this.#disk.bindings, { namespace, queue, filter }];
        return;
      }
      case 'unbind':
        this.#unbind(change.queue, change.filter);
        return;
      case 'reserve':
        this.#disk.seq = Math.max(this.#disk.seq, change.seq);
        return;
      default:
        return change satisfies never;
    }
  }

  #publish({ publications }: PublishChange): PublishVerdict | undefined {
    const before = new Map(this.#disk.remembered);
    const duplicates = new Map<number, { readonly queues: number }>();
    for (const [index, publication] of publications.entries()) {
      const first = this.#remember(publication);
      if (first === undefined) continue;
      if (!sameContent(first, rememberedOf(publication))) {
        this.#disk.remembered.clear();
        for (const [key, id] of before) this.#disk.remembered.set(key, id);
        return { kind: 'conflict', publication: index };
      }
      duplicates.set(index, { queues: first.queues });
    }
    for (const [index, publication] of publications.entries()) if (!duplicates.has(index)) this.#store(publication);
    return duplicates.size === 0 ? undefined : { kind: 'duplicates', publications: duplicates };
  }

  /** What was remembered already under the publication's id, if anything. */
  #remember(publication: Publication): RememberedId | undefined {
    const { guard, message } = publication;
    if (guard === undefined) return undefined;
    const key = JSON.stringify([guard.namespace, message.id]);
    const first = this.#disk.remembered.get(key);
    if (first !== undefined && first.time >= guard.since) return first;
    this.#disk.remembered.set(key, rememberedOf(publication));
    return undefined;
  }

  #store(publication: Publication): void {
    const { message, due, placements } = publication;
    const sharedBody = sharedBodyOf(publication);
    for (const { queue, seq } of placements) {
      this.#messagesOf(queue).set(seq, { seq, attempts: 0, due, sharedBody, message });
      this.#updateQueue(queue, ({ ledger }) => ({ ledger: { ...ledger, accepted: ledger.accepted + 1 } }));
    }
  }

  #settle(queue: number, { seq }: SettledMessage): void {
    if (!this.#messagesOf(queue).delete(seq)) return;
    this.#updateQueue(queue, ({ ledger }) => ({ ledger: { ...ledger, acknowledged: ledger.acknowledged + 1 } }));
  }

  #remove(queue: number): void {
    this.#disk.queues.delete(queue);
    this.#disk.messages.delete(queue);
    this.#disk.bindings = this.#disk.bindings.filter((binding) => binding.queue !== queue);
  }

  #unbind(queue: number, filter: string): void {
    this.#disk.bindings = this.#disk.bindings.filter((binding) => binding.queue !== queue || binding.filter !== filter);
  }

  #updateQueue(id: number, update: (queue: QueueRecord) => Partial<QueueRecord>): void {
    const queue = this.#disk.queues.get(id);
    if (queue !== undefined) this.#disk.queues.set(id, { ...queue, ...update(queue) });
  }

  #messagesOf(queue: Placement['queue']): Map<number, QueuedMessage> {
    let messages = this.#disk.messages.get(queue);
    if (messages === undefined) {
      messages = new Map();
      this.#disk.messages.set(queue, messages);
    }
    return messages;
  }
}

function rememberedOf({ message, placements, guard }: Publication): RememberedId {
  const { attributes, body, time } = message;
  const content = [guard?.destination ?? '', attributes?.binary ?? false, attributes?.headers, body] as const;
  return { content, time, queues: placements.length };
}

function sameContent(one: RememberedId, other: RememberedId): boolean {
  return one.content.every((part, i) => part === other.content[i]);
}

function select(messages: readonly QueuedMessage[], selection: Selection): QueuedMessage[] {
  const bySeq = messages.toSorted((a, b) => a.seq - b.seq);
  switch (selection.kind) {
    case 'after':
      return bySeq.filter(({ due, seq }) => due === 0 && seq > selection.seq);
    case 'due':
      return bySeq
        .filter(({ due, seq }) => due > 0 && (due > selection.due || (due === selection.due && seq > selection.seq)))
        .sort((a, b) => a.due - b.due);
    case 'these':
      return bySeq.filter(({ seq }) => selection.seqs.includes(seq));
    default:
      return selection satisfies never;
  }
}

function limited(selected: readonly QueuedMessage[], { messagesMax, bytesMax }: ReadLimits): ReadResult {
  const messages: QueuedMessage[] = [];
  let bytes = 0;
  for (const message of selected) {
    messages.push(message);
    bytes += message.message.body.length;
    if (messages.length >= messagesMax || bytes > bytesMax) return { messages, more: true };
  }
  return { messages, more: false };
}
