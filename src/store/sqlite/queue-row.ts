/** A queue's record as a row of its table, and back. */
import type { QueueRecord, QueueSettings } from '../store.ts';
import { isSoundQueue, queueChecksum } from './checksum.ts';
import type { QueueRow } from './statements.ts';
import { StoreError } from './store-error.ts';

export function queueRowOf({ id, namespace, name, settings, transient, ledger, reach }: QueueRecord): QueueRow {
  const { accepted, acknowledged } = ledger;
  const row = {
    id,
    namespace,
    name,
    settings: JSON.stringify(settings),
    transient: transient ? 1 : 0,
    accepted,
    acknowledged,
    reach,
  };
  return { ...row, checksum: queueChecksum(id, namespace, name, row.settings, row.transient) };
}

/** Without its queue no message has a place, so a damaged one is the end. `asked`: what an index led to it by. */
export function expectSoundQueue(row: QueueRow, asked: Partial<QueueRow> = {}): void {
  const { id, namespace, name, settings, transient, checksum } = row;
  const isSound = isSoundQueue(id, namespace, name, settings, transient, checksum);
  if (isSound && Object.entries(asked).every(([column, value]) => row[column as keyof QueueRow] === value)) return;
  throw new StoreError(
    'corrupt',
    `the database is damaged (the record of queue ${row.id}): run \`holdfast check\`, or restore a backup`,
  );
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
