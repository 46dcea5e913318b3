/** A queue's record as a row of its table, and back. */
import type { QueueRecord, QueueSettings } from '../store.ts';
import type { QueueRow } from './statements.ts';

export function queueRowOf({ id, namespace, name, settings, transient, ledger, reach }: QueueRecord): QueueRow {
  const { accepted, acknowledged } = ledger;
  return { id, namespace, name, settings: JSON.stringify(settings), transient: transient ? 1 : 0, accepted, acknowledged, reach };
}

export function queueRecordOf(row: QueueRow): QueueRecord {
  return {
    id: row.id,
    namespace: row.namespace,
    name: row.name,
    settings: JSON.parse(row.settings) as QueueSettings,
    transient: row.transient === 1,
    ledger: { accepted: row.accepted, acknowledged: row.acknowledged },
    reach: row.reach,
  };
}
