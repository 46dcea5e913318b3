/** The first schema. Released migrations are never edited; a change of the schema is a new one. */
export const firstSchema = `
-- One row. What must outlive everything else.
CREATE TABLE broker (
  only        INTEGER PRIMARY KEY CHECK (only = 1),
  seq_next    INTEGER NOT NULL,  -- no seq from here on was used by an earlier run
  queue_next  INTEGER NOT NULL,  -- no queue id from here on was ever used
  seq_copy    INTEGER NOT NULL,  -- the same once more: if one of them rots, no number is given out twice
  queue_copy  INTEGER NOT NULL
);
INSERT INTO broker VALUES (1, 1, 1, 1, 1);

CREATE TABLE queue (
  id            INTEGER PRIMARY KEY,
  namespace     TEXT NOT NULL,
  name          TEXT NOT NULL,
  settings      TEXT NOT NULL,     -- JSON
  transient     INTEGER NOT NULL,
  accepted      INTEGER NOT NULL,  -- always: accepted = acknowledged + what is in message and in blocks
  acknowledged  INTEGER NOT NULL,
  reach         INTEGER NOT NULL,
  checksum      INTEGER NOT NULL,  -- see checksum.ts, also of the other tables
  UNIQUE (namespace, name)
);
CREATE INDEX queue_transient ON queue (id) WHERE transient = 1;

-- A message in a queue. Rows lie in the order in which they came and are found through the index: with the queue first in the
-- table's own key, a batch for 1,000 of 5,000 queues would write 1,000 pages (35 µs a message to publish, against 7).
CREATE TABLE message (
  seq         INTEGER PRIMARY KEY,
  queue       INTEGER NOT NULL,
  due         INTEGER NOT NULL,            -- ms since 1970; 0: at once
  id          TEXT NOT NULL,
  time        INTEGER NOT NULL,
  attempts    INTEGER NOT NULL DEFAULT 0,
  attributes  BLOB,                        -- JSON text, or NULL
  body        NOT NULL,                    -- BLOB: the body itself; INTEGER: the id of a shared one
  checksum    INTEGER NOT NULL
);
-- With seq behind them, as in every index. Messages that wait for a time lie apart from those that don't, and each kind is read
-- in its order without stepping over the other.
CREATE INDEX message_place ON message (queue, due);

-- A body that went to several queues, and apart from it (an UPDATE reads and writes its whole row) how many still hold it.
CREATE TABLE body (id INTEGER PRIMARY KEY, data BLOB NOT NULL, checksum INTEGER NOT NULL);
CREATE TABLE body_use (body INTEGER PRIMARY KEY, refs INTEGER NOT NULL);

-- Messages of one queue that one batch brought, not delayed and each with its own body: see docs/decisions/0010.
CREATE TABLE block (
  first     INTEGER PRIMARY KEY,  -- seq of the first message
  last      INTEGER NOT NULL,     -- seq of the last one
  queue     INTEGER NOT NULL,
  checksum  INTEGER NOT NULL,
  data      BLOB NOT NULL         -- see block-format.ts
);
-- With first behind it, as in every index.
CREATE INDEX block_place ON block (queue);

-- Which messages are left in a block: bit i is the seq first + i. Every block has its row: if one that is gone could mean that all
-- are left, a lost page would bring back what was acknowledged.
CREATE TABLE block_rest (block INTEGER PRIMARY KEY, members BLOB NOT NULL, checksum INTEGER NOT NULL);

CREATE TABLE binding (
  namespace  TEXT NOT NULL,
  stem       TEXT NOT NULL,  -- stemOf(filter)
  filter     TEXT NOT NULL,
  queue      INTEGER NOT NULL,
  PRIMARY KEY (namespace, stem, filter, queue)
) WITHOUT ROWID;
CREATE INDEX binding_queue ON binding (queue, filter);

-- Ids that publishers gave, so that the same one published again is found.
CREATE TABLE remembered (
  key          BLOB PRIMARY KEY,  -- the id's 36 bytes, then the namespace
  fingerprint  TEXT NOT NULL,
  time         INTEGER NOT NULL,  -- when it was published
  expires      INTEGER NOT NULL,  -- nobody asks for it after this time
  queues       INTEGER NOT NULL   -- how many it reached
) WITHOUT ROWID;

-- Queues that were removed and still have messages to be deleted.
CREATE TABLE doomed (queue INTEGER PRIMARY KEY);
`;
