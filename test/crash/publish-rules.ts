/** Invariants 1–4 and 13: what was published, and what must come of it. Looks at the whole history first, since answers come late. */
import type { DeliveryRules } from './delivery-rules.ts';
import type { Delivered, History, Outcome, Publish } from './history.ts';
import type { Report } from './violation.ts';

interface Message {
  readonly publish: Publish;
  /** The best answer to any of its tries. */
  outcome: Outcome;
  /** Its place among the first confirms of all messages; 0 when it was never confirmed. */
  rank: number;
  /** All ids under which it was confirmed or delivered. */
  readonly ids: Set<string>;
  readonly arrivedAt: Set<string>;
}

export class PublishRules {
  readonly #report: Report;
  readonly #messages = new Map<string, Message>();
  /** The key that an id was first seen with. */
  readonly #keyOf = new Map<string, string>();
  #tries = 0;

  constructor(history: History, report: Report) {
    this.#report = report;
    let rank = 0;
    for (const event of history) {
      if (event.kind === 'publish') this.#published(event);
      if (event.kind !== 'published') continue;
      const message = this.#messages.get(event.key);
      if (message === undefined) continue;
      if (event.outcome === 'ok' && message.rank === 0) message.rank = ++rank;
      if (event.outcome === 'ok' || message.outcome === 'info')
        message.outcome = event.outcome === 'info' ? message.outcome : event.outcome;
      if (event.outcome === 'ok' && event.id !== undefined) this.#named(message, event.id);
    }
  }

  /** When it was confirmed, among all; undefined when it never was. */
  rankOf(key: string): { readonly publisher: string; readonly rank: number } | undefined {
    const message = this.#messages.get(key);
    return message === undefined || message.rank === 0 ? undefined : { publisher: message.publish.publisher, rank: message.rank };
  }

  delivered(delivery: Delivered): void {
    const { key, queue, id, hash } = delivery;
    const message = this.#messages.get(key);
    if (message === undefined) {
      this.#report({ invariant: 2, kind: 'invented', text: `${queue} delivered ${id}, which nobody published` });
      return;
    }
    if (message.outcome === 'fail')
      this.#report({ invariant: 2, kind: 'invented', text: `${queue} delivered ${key}, which was refused` });
    if (!message.publish.queues.includes(queue))
      this.#report({ invariant: 2, kind: 'invented', text: `${queue} delivered ${key}, which was not sent to it` });
    if (hash !== message.publish.hash)
      this.#report({ invariant: 3, kind: 'altered', text: `${queue} delivered ${key} with another body or other headers` });
    message.arrivedAt.add(queue);
    this.#named(message, id);
  }

  /** At the end, when everything was drained. */
  audit(deliveries: DeliveryRules): void {
    for (const [key, message] of this.#messages) {
      if (message.outcome === 'ok') this.#auditConfirmed(key, message, deliveries);
      else if (message.outcome === 'info') this.#auditUnknown(key, message);
    }
    this.#auditBatches();
  }

  counts(): { tries: number; confirmed: number; refused: number; unknown: number; recovered: number } {
    const counts = { ok: 0, fail: 0, info: 0 };
    let recovered = 0;
    for (const { outcome, arrivedAt } of this.#messages.values()) {
      counts[outcome]++;
      if (outcome === 'info' && arrivedAt.size > 0) recovered++;
    }
    return { tries: this.#tries, confirmed: counts.ok, refused: counts.fail, unknown: counts.info, recovered };
  }

  #published(publish: Publish): void {
    this.#tries++;
    if (this.#messages.has(publish.key)) return;
    const message: Message = { publish, outcome: 'info', rank: 0, ids: new Set(), arrivedAt: new Set() };
    this.#messages.set(publish.key, message);
  }

  #named(message: Message, id: string): void {
    const { key } = message.publish;
    if (message.ids.has(id)) return;
    message.ids.add(id);
    const other = this.#keyOf.get(id);
    if (other !== undefined) this.#report({ invariant: 4, kind: 'duplicated', text: `${key} and ${other} share the id ${id}` });
    this.#keyOf.set(id, key);
    if (message.ids.size > 1)
      this.#report({ invariant: 4, kind: 'duplicated', text: `${key} became several messages: ${[...message.ids].join(', ')}` });
    else if (message.publish.id !== undefined && message.publish.id !== id)
      this.#report({ invariant: 4, kind: 'altered', text: `${key} was published as ${message.publish.id} and became ${id}` });
  }

  #auditConfirmed(key: string, message: Message, deliveries: DeliveryRules): void {
    for (const queue of message.publish.queues) {
      if (!message.arrivedAt.has(queue))
        this.#report({
          invariant: 1,
          kind: 'lost',
          text: `${key} of ${message.publish.publisher} was confirmed and never came to ${queue}`,
        });
      else if (![...message.ids].some((id) => deliveries.isSettled(queue, id)))
        this.#report({
          invariant: 1,
          kind: 'lost',
          text: `${key} came to ${queue}, was not acknowledged, and did not come again`,
        });
    }
  }

  /** It is there or not, but for all of its queues. */
  #auditUnknown(key: string, message: Message): void {
    const arrived = message.arrivedAt.size;
    if (arrived > 0 && arrived < message.publish.queues.length)
      this.#report({
        invariant: 13,
        kind: 'torn',
        text: `${key} came to ${[...message.arrivedAt].join(', ')} but not to all its queues`,
      });
  }

  #auditBatches(): void {
    const batches = Map.groupBy(
      [...this.#messages.values()].filter(({ publish }) => publish.batch !== undefined),
      ({ publish }) => publish.batch,
    );
    for (const [batch, messages] of batches) {
      const there = messages.filter((message) => message.arrivedAt.size > 0).length;
      if (there > 0 && there < messages.length)
        this.#report({
          invariant: 13,
          kind: 'torn',
          text: `${there} of ${messages.length} messages of batch ${batch} are there`,
        });
    }
  }
}
