/**
 * Tells from a history whether the broker kept INVARIANTS (1–8, 11–13, 15, by their numbers here), and how often what happened. Knows
 * only what clients saw.
 *
 *  1 a confirmed message is delivered and acknowledged      2 nothing is delivered that nobody published, or that was refused
 *  3 bodies and headers arrive byte for byte                4 one id, one message; a retried one is stored once
 *  5 what was acknowledged does not come again              6 order, per publisher and queue, where one consumer is at a time
 *  7 attempts never go down, and 1 is the first             8 held by one consumer at a time
 * 11 nothing comes before its delay is over                12 no more in one's hands than the prefetch
 * 13 a batch is there as a whole or not at all            15 when the faults are over, every queue drains
 */
import type { History } from './history.ts';
import { DeliveryRules } from './delivery-rules.ts';
import { OrderRule } from './order-rule.ts';
import { PublishRules } from './publish-rules.ts';
import type { Report, Violation } from './violation.ts';

export interface Verdict {
  /** Attempts to publish, retries included. */
  readonly tries: number;
  readonly confirmed: number;
  readonly refused: number;
  /** Never answered: the only ones that may or may not arrive. */
  readonly unknown: number;
  /** Those of them that did arrive. */
  readonly recovered: number;
  readonly deliveries: number;
  /** Deliveries of what had been delivered before; the protocol allows them. */
  readonly redeliveries: number;
  readonly acknowledged: number;
  readonly crashes: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  readonly violations: readonly Violation[];
}

/** `competing`: queues that several consumers share, so that nobody sees their order. `drained`: at the end all queues were empty. */
export function checkHistory(history: History, competing: ReadonlySet<string>, drained: boolean): Verdict {
  const violations: Violation[] = [];
  const report: Report = (violation) => void violations.push(violation);
  const publishes = new PublishRules(history, report);
  const deliveries = new DeliveryRules(report);
  const order = new OrderRule(publishes, competing, report);
  let crashes = 0;
  for (const event of history) {
    if (event.kind === 'crash') crashes++;
    if (event.kind === 'delivery') publishes.delivered(event);
    deliveries.see(event);
    order.see(event);
  }
  publishes.audit(deliveries);
  if (!drained) report({ invariant: 15, kind: 'stuck', text: 'when all faults were over, not every queue drained' });
  const count = (kind: Violation['kind']): number => violations.filter((violation) => violation.kind === kind).length;
  return {
    ...publishes.counts(),
    deliveries: deliveries.count,
    redeliveries: deliveries.again,
    acknowledged: deliveries.acknowledged,
    crashes,
    lost: count('lost'),
    duplicated: count('duplicated'),
    reordered: count('reordered'),
    violations,
  };
}
