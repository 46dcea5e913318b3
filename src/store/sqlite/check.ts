/**
 * The full integrity check of a database that no broker has open: its log, SQLite's own check, then ours. Changes nothing unless it
 * is told to repair, and then only cuts off what is damaged of the log.
 *
 * A finding is a sentence for the person who runs it; no finding means that the file keeps what the store promises.
 */
import { Buffer } from 'node:buffer';
import { dirname } from 'node:path';
import type Database from 'better-sqlite3';
import { decodeBlock } from './block-format.ts';
import { isSoundBlock, isSoundBody, isSoundMessage, isSoundQueue } from './checksum.ts';
import { openReadonly } from './database.ts';
import { DirectoryLock } from './lock.ts';
import { cutLog, findLogDamage, type LogDamage, sentenceOf } from './log-file.ts';
import { countBits, SeqSet } from './seq-set.ts';
import { storeErrorFrom } from './store-error.ts';

export interface DatabaseCounts {
  readonly queues: number;
  /** Of queues that exist; those of removed queues that wait to be deleted are not among them. */
  readonly messages: number;
  /** Bodies stored once for several queues. */
  readonly bodies: number;
  readonly bindings: number;
  readonly rememberedIds: number;
  /** Size of the database file, without its log. */
  readonly bytes: number;
}

export interface DatabaseCheck {
  /** What was done, as a sentence, if it was to repair and there was something. */
  readonly repaired: string | undefined;
  readonly findings: readonly string[];
  /** Undefined when the file itself is damaged: nothing in it can be trusted then. */
  readonly counts: DatabaseCounts | undefined;
}

/** Each kind of finding is listed this many times at most. */
const FINDINGS_PER_RULE_MAX = 20;
const HEX = '[0-9a-f]';
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const UUID_GLOB = [8, 4, 4, 4, 12].map((digits) => HEX.repeat(digits)).join('-');

/** As the end of a SELECT: messages that are left in blocks. */
const IN_BLOCKS =
  'sum(count_bits(block_rest.members)) AS messages FROM block LEFT JOIN block_rest ON block_rest.block = block.first';

/** Each rule selects one sentence a violation. None compares each of many rows with each of many others. */
export const RULES: readonly string[] = [
  `WITH held AS (
     SELECT queue, sum(messages) AS messages FROM (
       SELECT queue, count(*) AS messages FROM message GROUP BY queue
       UNION ALL SELECT queue, ${IN_BLOCKS} GROUP BY queue
     ) GROUP BY queue)
   SELECT format('queue %d (%s) should hold %d messages by its ledger and holds %d', id, name, accepted - acknowledged, coalesce(messages, 0))
   FROM queue LEFT JOIN held ON held.queue = queue.id
   WHERE accepted - acknowledged <> coalesce(messages, 0)`,
  `SELECT format('%d messages are in queue %d, which does not exist', count(*), queue)
   FROM message WHERE queue NOT IN (SELECT id FROM queue) AND queue NOT IN (SELECT queue FROM doomed) GROUP BY queue`,
  `SELECT format('message %d of queue %d has a seq from %d on, which is not reserved', seq, queue, seq_next)
   FROM message, broker WHERE seq >= seq_next`,
  `SELECT format('block %d is in queue %d, which does not exist', first, queue)
   FROM block WHERE queue NOT IN (SELECT id FROM queue) AND queue NOT IN (SELECT queue FROM doomed)`,
  `SELECT format('block %d of queue %d reaches to message %d, which is not reserved', first, queue, last)
   FROM block, broker WHERE last >= seq_next`,
  `SELECT format('what is left of block %d is stored, and not the block itself', block)
   FROM block_rest WHERE block NOT IN (SELECT first FROM block)`,
  `SELECT fault FROM (SELECT block_fault(first, last, queue, block.checksum, data, block_rest.members, block_rest.checksum) AS fault
   FROM block LEFT JOIN block_rest ON block_rest.block = block.first) WHERE fault IS NOT NULL`,
  `SELECT format('message %d of queue %d is not what was stored: its checksum is wrong', seq, queue)
   FROM message WHERE NOT is_sound_message(queue, seq, time, id, attributes, body, attempts, due, checksum)`,
  `SELECT format('body %d is not what was stored: its checksum is wrong', id) FROM body WHERE NOT is_sound_body(id, data, checksum)`,
  `SELECT format('the record of queue %d (%s) is not what was stored: its checksum is wrong', id, name)
   FROM queue WHERE NOT is_sound_queue(id, namespace, name, settings, transient, checksum)`,
  `SELECT format('message %d of queue %d has the malformed id %s', seq, queue, quote(id)) FROM message WHERE id NOT GLOB '${UUID_GLOB}'`,
  `SELECT format('message %d of queue %d refers to body %d, which does not exist', seq, queue, body)
   FROM message WHERE typeof(body) = 'integer' AND body NOT IN (SELECT id FROM body)`,
  `SELECT format('message %d of queue %d has a body of type %s', seq, queue, typeof(body))
   FROM message WHERE typeof(body) NOT IN ('integer', 'blob')`,
  // the cast says which type it has, without which SQLite makes no index of it to look up the others' in
  `WITH used AS (
     SELECT CAST(body AS INTEGER) AS body, count(*) AS messages FROM message WHERE typeof(body) = 'integer' GROUP BY body)
   SELECT format('body %d counts %d messages and %d refer to it', body_use.body, refs, coalesce(messages, 0))
   FROM body_use LEFT JOIN used ON used.body = body_use.body
   WHERE refs <> coalesce(messages, 0)`,
  `SELECT format('body %d has no count of its messages', id) FROM body WHERE id NOT IN (SELECT body FROM body_use)`,
  `SELECT format('body %d is counted and does not exist', body) FROM body_use WHERE body NOT IN (SELECT id FROM body)`,
  `SELECT format('queue %d is bound to %s and does not exist', queue, filter) FROM binding WHERE queue NOT IN (SELECT id FROM queue)`,
  `SELECT format('queue %d (%s) has an id from %d on, which is not reserved', id, name, queue_next) FROM queue, broker WHERE id >= queue_next`,
  `SELECT format('queue %d (%s) was removed and exists', id, name) FROM queue WHERE id IN (SELECT queue FROM doomed)`,
  `SELECT 'the row of reserved numbers is missing' WHERE NOT EXISTS (SELECT 1 FROM broker)`,
  `SELECT 'the reserved numbers differ from their copies' FROM broker WHERE seq_next <> seq_copy OR queue_next <> queue_copy`,
  `SELECT format('a remembered id is malformed: %s', quote(key)) FROM remembered
   WHERE CAST(substr(key, 1, 36) AS TEXT) NOT GLOB '${UUID_GLOB}'`,
];

/** Throws a `StoreError` when the file is not ours to open, or in use. */
export function checkDatabase(path: string, repair = false): DatabaseCheck {
  const lock = lockExisting(path);
  try {
    const damage = findLogDamage(path);
    if (damage === undefined || repair) return { repaired: damage && repairLog(damage), ...checkOpened(openReadonly(path)) };
    return { repaired: undefined, findings: [sentenceOf(damage)], counts: undefined };
  } catch (error) {
    throw storeErrorFrom(error, path);
  } finally {
    lock.release();
  }
}

function repairLog(damage: LogDamage): string {
  const copy = cutLog(damage);
  return `${damage.path} was damaged and is cut off after ${damage.goodBytes} bytes; the whole of it is kept as ${copy}`;
}

function lockExisting(path: string): DirectoryLock {
  const directory = dirname(path);
  try {
    return new DirectoryLock(directory);
  } catch (error) {
    throw storeErrorFrom(error, directory);
  }
}

function checkOpened(db: Database.Database): Omit<DatabaseCheck, 'repaired'> {
  try {
    const damage = sentences(
      db,
      `SELECT format('the file is damaged: %s', integrity_check) FROM pragma_integrity_check WHERE integrity_check <> 'ok'`,
    );
    if (damage.length > 0) return { findings: damage, counts: undefined };
    defineCheckFunctions(db);
    return { findings: RULES.flatMap((rule) => sentences(db, rule)), counts: countAll(db) };
  } finally {
    db.close();
  }
}

/** What SQL can't see: sets of seqs, and what is in a block. */
export function defineCheckFunctions(db: Database.Database): void {
  db.function('count_bits', { deterministic: true }, (bits) => (Buffer.isBuffer(bits) ? countBits(bits) : 0));
  db.function('block_fault', { deterministic: true }, blockFault);
  db.function('is_sound_message', { varargs: true }, (...row: Parameters<typeof isSoundMessage>) =>
    Number(isSoundMessage(...row)),
  );
  db.function('is_sound_body', { varargs: true }, (...row: Parameters<typeof isSoundBody>) => Number(isSoundBody(...row)));
  db.function('is_sound_queue', { varargs: true }, (...row: Parameters<typeof isSoundQueue>) => Number(isSoundQueue(...row)));
}

/** What is wrong with a block, as a sentence, or null. */
function blockFault(
  first: number,
  last: number,
  queue: number,
  checksum: unknown,
  data: unknown,
  rest: unknown,
  restChecksum: unknown,
): string | null {
  if (!Buffer.isBuffer(data) || !isSoundBlock(first, last, queue, data, checksum))
    return `block ${first} of queue ${queue} is not what was stored: its checksum is wrong`;
  if (!Buffer.isBuffer(rest) || !isSoundBlock(first, last, queue, rest, restChecksum))
    return `what is left of block ${first} of queue ${queue} is not what was stored: its checksum is wrong`;
  const outside = SeqSet.of(first, Buffer.from(rest));
  let previous = first - 1;
  for (const [seq, , , id] of decodeBlock(first, data, () => true)) {
    if (!UUID.test(id)) return `message ${seq} in block ${first} has the malformed id ${JSON.stringify(id)}`;
    if (seq <= previous || seq > last) return `block ${first} holds message ${seq}, which is out of its order`;
    outside.delete(seq);
    previous = seq;
  }
  return outside.size === 0 ? null : `block ${first} is said to have messages left that it was not made of`;
}

function sentences(db: Database.Database, rule: string): string[] {
  return db.prepare<[number], string>(`${rule} LIMIT ?`).pluck().all(FINDINGS_PER_RULE_MAX);
}

function countAll(db: Database.Database): DatabaseCounts {
  const count = (from: string): number => Number(db.prepare(`SELECT count(*) FROM ${from}`).pluck().get());
  return {
    queues: count('queue'),
    messages: count('message WHERE queue NOT IN (SELECT queue FROM doomed)') + countInBlocks(db),
    bodies: count('body'),
    bindings: count('binding'),
    rememberedIds: count('remembered'),
    bytes: Number(db.prepare('SELECT page_count * page_size FROM pragma_page_count, pragma_page_size').pluck().get()),
  };
}

function countInBlocks(db: Database.Database): number {
  return Number(db.prepare(`SELECT ${IN_BLOCKS} WHERE queue NOT IN (SELECT queue FROM doomed)`).pluck().get());
}
