/**
 * Every statement that runs while the store is open, by name, prepared once.
 *
 * A number above 2^31 is bound as a double, which columns of integers and comparisons take as it is; `message.body` has no
 * type of its own, so a shared body's id has to be bound as a bigint there.
 *
 * `+?` where there is a join, an ORDER BY or a LIMIT: SQLite's planner may look at a parameter's value there, and then plans the
 * statement anew each time one is bound, which costs 3 to 15 µs. It does not look through a plus.
 */
import type { Buffer } from 'node:buffer';
import type Database from 'better-sqlite3';
import { STATE_CHECKSUM_SQL } from './checksum.ts';

/** Messages in one INSERT: one by one a message costs 2.2 µs, 16 at a time 1.5 µs, 32 at a time 1.35 µs but leave more over. */
export const ROWS_PER_INSERT = 16;
const MESSAGE_COLUMNS = 'queue, due, seq, id, time, attributes, body, checksum';
export const MESSAGE_COLUMN_COUNT = 8;
const MESSAGE_VALUES = '(?, ?, ?, ?, ?, ?, ?, ?)';

export type MessageValue = number | bigint | string | Buffer | null;
export type NewMessage = [
  queue: number,
  due: number,
  seq: number,
  id: string,
  time: number,
  attributes: Buffer | null,
  body: Buffer | bigint,
  checksum: number,
];

export type ReturnedMessage = [...message: NewMessage, attempts: number];

/** A message with its body, wherever that is stored; `sharedBody` is 0 when it is stored with the message. */
export type MessageRow = readonly [
  seq: number,
  attempts: number,
  due: number,
  id: string,
  time: number,
  attributes: Buffer | null,
  sharedBody: number,
  body: Buffer,
];

/** A message as its row has it, with what the row is checked by: nothing of it can be trusted before that. */
export type StoredRow = readonly [...message: MessageRow, queue: number, checksum: number, bodyChecksum: number | null];

/**
 * By way of `place`, of which the index has all that is asked for. From a row that it comes to by an index SQLite would take the
 * queue and the due time out of the index; here they are the row's own, or null where there is no row.
 */
const READ_MESSAGE = `
  SELECT place.seq, message.attempts, message.due, message.id, message.time, message.attributes,
         iif(typeof(message.body) = 'integer', message.body, 0), iif(typeof(message.body) = 'integer', body.data, message.body),
         message.queue, message.checksum, body.checksum
  FROM message AS place LEFT JOIN message ON message.seq = place.seq
  LEFT JOIN body ON body.id = iif(typeof(message.body) = 'integer', message.body, NULL)`;

export interface QueueRow {
  readonly id: number;
  readonly namespace: string;
  readonly name: string;
  readonly settings: string;
  readonly transient: number;
  readonly accepted: number;
  readonly acknowledged: number;
  readonly reach: number;
  readonly checksum: number;
}

/** The reserved numbers, and their copies. */
export interface BrokerRow {
  readonly seq: number;
  readonly queue: number;
  readonly seqCopy: number;
  readonly queueCopy: number;
}

export interface RememberedRow {
  readonly fingerprint: string;
  readonly time: number;
  readonly queues: number;
}

/** A block without its data; nulls where its row, or that of what is left of it, is missing. */
export type BlockRow = readonly [
  first: number,
  last: number | null,
  queue: number | null,
  rest: Buffer | null,
  restChecksum: number | null,
];

/** A block of a doomed queue, what its data takes, and how many messages it may hold. */
export type DoomedBlockRow = readonly [first: number, bytes: number, messages: number];

/** A message of a doomed queue, what its body takes, and the shared body that it refers to or 0. */
export type DoomedRow = readonly [seq: number, bytes: number, sharedBody: number];

/** As much of a prepared statement as is used here. */
interface Statement<Parameters extends readonly unknown[], Row> {
  readonly source: string;
  run(...parameters: Parameters): { readonly changes: number };
  get(...parameters: Parameters): Row | undefined;
  all(...parameters: Parameters): Row[];
  iterate(...parameters: Parameters): IterableIterator<Row>;
}

function prepare<Parameters extends unknown[], Row = never>(db: Database.Database, sql: string): Statement<Parameters, Row> {
  return db.prepare<unknown[], Row>(sql);
}

/** Its rows are their only column. */
function prepareValue<Parameters extends unknown[], Value>(db: Database.Database, sql: string): Statement<Parameters, Value> {
  return db.prepare<unknown[], Value>(sql).pluck();
}

/** Its rows are arrays, in the order of the columns. */
function prepareTuple<Parameters extends unknown[], Tuple>(db: Database.Database, sql: string): Statement<Parameters, Tuple> {
  return db.prepare<unknown[], Tuple>(sql).raw();
}

export type Statements = ReturnType<typeof prepareStatements>;

export function prepareStatements(db: Database.Database) {
  return {
    begin: prepare<[]>(db, 'BEGIN IMMEDIATE'),
    commit: prepare<[]>(db, 'COMMIT'),
    savepoint: prepare<[]>(db, 'SAVEPOINT judging'),
    rollbackToSavepoint: prepare<[]>(db, 'ROLLBACK TO judging'),
    releaseSavepoint: prepare<[]>(db, 'RELEASE judging'),
    ...brokerStatements(db),
    ...queueStatements(db),
    ...messageStatements(db),
    ...blockStatements(db),
    ...bodyStatements(db),
    ...bindingStatements(db),
    ...rememberedStatements(db),
  };
}

function brokerStatements(db: Database.Database) {
  return {
    recover: prepare<[], BrokerRow>(
      db,
      'SELECT seq_next AS seq, queue_next AS queue, seq_copy AS seqCopy, queue_copy AS queueCopy FROM broker',
    ),
    reserveSeq: prepare<[number, number]>(db, 'UPDATE broker SET seq_next = max(seq_next, ?), seq_copy = max(seq_copy, ?)'),
    useQueueId: prepare<[number, number]>(
      db,
      'UPDATE broker SET queue_next = max(queue_next, ? + 1), queue_copy = max(queue_copy, ? + 1)',
    ),
  };
}

function queueStatements(db: Database.Database) {
  return {
    createQueue: prepare<[QueueRow]>(
      db,
      `
      INSERT INTO queue (id, namespace, name, settings, transient, accepted, acknowledged, reach, checksum)
      VALUES (:id, :namespace, :name, :settings, :transient, :accepted, :acknowledged, :reach, :checksum)`,
    ),
    readQueue: prepare<[number], QueueRow>(db, 'SELECT * FROM queue WHERE id = ?'),
    findQueue: prepare<[string, string], QueueRow>(db, 'SELECT * FROM queue WHERE namespace = ? AND name = ?'),
    configureQueue: prepare<[string, number, number]>(db, 'UPDATE queue SET settings = ?, checksum = ? WHERE id = ?'),
    tallyQueue: prepare<[number, number, number | null, number]>(
      db,
      `
      UPDATE queue SET accepted = accepted + ?, acknowledged = acknowledged + ?, reach = coalesce(?, reach) WHERE id = ?`,
    ),
    deleteQueue: prepare<[number]>(db, 'DELETE FROM queue WHERE id = ?'),
    transientQueues: prepareValue<[], number>(db, 'SELECT id FROM queue WHERE transient = 1'),
    doomQueue: prepare<[number]>(db, 'INSERT INTO doomed VALUES (?)'),
    // A queue that exists was not removed, whatever this table has become.
    anyDoomedQueue: prepareValue<[], number>(
      db,
      'SELECT queue FROM doomed WHERE NOT EXISTS (SELECT 1 FROM queue WHERE id = doomed.queue) LIMIT 1',
    ),
    forgetDoomedQueue: prepare<[number]>(db, 'DELETE FROM doomed WHERE queue = ?'),
  };
}

function messageStatements(db: Database.Database) {
  const manyValues = Array.from({ length: ROWS_PER_INSERT }, () => MESSAGE_VALUES).join(', ');
  return {
    insertMessage: prepare<NewMessage>(db, `INSERT INTO message (${MESSAGE_COLUMNS}) VALUES ${MESSAGE_VALUES}`),
    insertMessages: prepare<[MessageValue[]]>(db, `INSERT INTO message (${MESSAGE_COLUMNS}) VALUES ${manyValues}`),
    deleteMessage: prepare<[number, number]>(db, 'DELETE FROM message WHERE seq = ? AND queue = ?'),
    // The plus keeps the queue's index out of it: the range of seqs is the shorter way.
    deleteMessages: prepare<[number, number, number]>(db, 'DELETE FROM message WHERE seq BETWEEN ? AND ? AND +queue = ?'),
    insertReturned: prepare<ReturnedMessage>(
      db,
      `INSERT INTO message (${MESSAGE_COLUMNS}, attempts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    returnMessage: prepare<[number, number, number, number, number]>(
      db,
      `UPDATE message SET attempts = ?, due = ?, checksum = checksum - ${STATE_CHECKSUM_SQL} + ? WHERE seq = ? AND queue = ?`,
    ),
    // Without a LIMIT: whoever reads stops by itself, and has to read on past what is damaged.
    readSameDue: prepareTuple<[number, number, number], StoredRow>(
      db,
      `${READ_MESSAGE} WHERE place.queue = +? AND place.due = +? AND place.seq > +? ORDER BY place.seq`,
    ),
    readLaterDue: prepareTuple<[number, number], StoredRow>(
      db,
      `${READ_MESSAGE} WHERE place.queue = +? AND place.due > +? ORDER BY place.due, place.seq`,
    ),
    readOne: prepareTuple<[number, number], StoredRow>(db, `${READ_MESSAGE} WHERE place.seq = +? AND place.queue = +?`),
    placedSeqs: prepareValue<[number], number>(db, 'SELECT seq FROM message INDEXED BY message_place WHERE queue = ?'),
    readDoomed: prepareTuple<[number, number], DoomedRow>(
      db,
      `
        SELECT seq, length(body), iif(typeof(body) = 'integer', body, 0) FROM message WHERE queue = +? LIMIT +?`,
    ),
  };
}

function blockStatements(db: Database.Database) {
  const columns = 'place.first, block.last, block.queue, block_rest.members, block_rest.checksum';
  // as for messages
  const blocks =
    'block AS place LEFT JOIN block ON block.first = place.first LEFT JOIN block_rest ON block_rest.block = place.first';
  return {
    insertBlock: prepare<[number, number, number, number, Buffer]>(
      db,
      'INSERT INTO block (first, last, queue, checksum, data) VALUES (?, ?, ?, ?, ?)',
    ),
    insertBlockRest: prepare<[number, Buffer, number]>(db, 'INSERT INTO block_rest (block, members, checksum) VALUES (?, ?, ?)'),
    blockUpTo: prepareTuple<[number, number], BlockRow>(
      db,
      `SELECT ${columns} FROM ${blocks} WHERE place.queue = +? AND place.first <= +? ORDER BY place.first DESC LIMIT 1`,
    ),
    blockFrom: prepareTuple<[number, number], BlockRow>(
      db,
      `SELECT ${columns} FROM ${blocks} WHERE place.queue = +? AND place.first >= +? ORDER BY place.first LIMIT 1`,
    ),
    blockData: prepareTuple<[number], readonly [data: Buffer<ArrayBuffer>, checksum: number]>(
      db,
      'SELECT data, checksum FROM block WHERE first = ?',
    ),
    keepBlockRest: prepare<[Buffer, number, number]>(db, 'UPDATE block_rest SET members = ?, checksum = ? WHERE block = ?'),
    deleteBlock: prepare<[number]>(db, 'DELETE FROM block WHERE first = ?'),
    deleteBlockRest: prepare<[number]>(db, 'DELETE FROM block_rest WHERE block = ?'),
    readDoomedBlock: prepareTuple<[number], DoomedBlockRow>(
      db,
      `SELECT first, length(data), last - first + 1 FROM block WHERE queue = ? LIMIT 1`,
    ),
  };
}

function bodyStatements(db: Database.Database) {
  return {
    insertBody: prepare<[number, Buffer, number]>(db, 'INSERT INTO body (id, data, checksum) VALUES (?, ?, ?)'),
    insertBodyUse: prepare<[number, number]>(db, 'INSERT INTO body_use (body, refs) VALUES (?, ?)'),
    releaseBody: prepareValue<[number, number], number>(db, 'UPDATE body_use SET refs = refs - ? WHERE body = ? RETURNING refs'),
    deleteBody: prepare<[number]>(db, 'DELETE FROM body WHERE id = ?'),
    deleteBodyUse: prepare<[number]>(db, 'DELETE FROM body_use WHERE body = ?'),
  };
}

function bindingStatements(db: Database.Database) {
  return {
    bind: prepare<[string, string, string, number]>(
      db,
      'INSERT INTO binding (namespace, stem, filter, queue) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    ),
    unbind: prepare<[number, string]>(db, 'DELETE FROM binding WHERE queue = ? AND filter = ?'),
    unbindAll: prepare<[number]>(db, 'DELETE FROM binding WHERE queue = ?'),
    bindingsOfStem: prepare<[string, string], { readonly queue: number; readonly filter: string }>(
      db,
      'SELECT queue, filter FROM binding WHERE namespace = ? AND stem = ?',
    ),
  };
}

function rememberedStatements(db: Database.Database) {
  const columns = '(key, fingerprint, time, expires, queues) VALUES (?, ?, ?, ?, ?)';
  return {
    remember: prepare<[Buffer, string, number, number, number]>(db, `INSERT INTO remembered ${columns} ON CONFLICT DO NOTHING`),
    rememberAnew: prepare<[Buffer, string, number, number, number]>(db, `INSERT OR REPLACE INTO remembered ${columns}`),
    remembered: prepare<[Buffer], RememberedRow>(db, 'SELECT fingerprint, time, queues FROM remembered WHERE key = ?'),
    rememberedAfter: prepareValue<[Buffer, number], Buffer>(
      db,
      'SELECT key FROM remembered WHERE key > +? ORDER BY key LIMIT 1 OFFSET +?',
    ),
    forgetBetween: prepare<[Buffer, Buffer, number]>(db, 'DELETE FROM remembered WHERE key > ? AND key <= ? AND expires < ?'),
    forgetAfter: prepare<[Buffer, number]>(db, 'DELETE FROM remembered WHERE key > ? AND expires < ?'),
  };
}
