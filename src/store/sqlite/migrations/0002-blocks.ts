/** Messages that came together lie together: see docs/decisions/0010. */
export const blocks = `
-- Messages of one queue that one batch brought, not delayed and each with its own body.
CREATE TABLE block (
  first    INTEGER PRIMARY KEY,  -- seq of the first message
  last     INTEGER NOT NULL,     -- seq of the last one
  queue    INTEGER NOT NULL,
  members  BLOB NOT NULL,        -- which seqs from the first on it was made of: bit i is the seq first + i
  data     BLOB NOT NULL         -- see block-format.ts
);
-- With first behind it, as in every index.
CREATE INDEX block_place ON block (queue);

-- Of a block that has lost some of its messages: those that are left, as in members.
CREATE TABLE block_rest (block INTEGER PRIMARY KEY, members BLOB NOT NULL);
`;
