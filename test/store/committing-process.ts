/**
 * Commits enough at the path given to it that its log is carried over, from the seq on that it is given. Ends with 0 when all is
 * done, with 1 at the first error.
 */
import process from 'node:process';
import { packBatch } from '../../src/store/sqlite/batch-codec.ts';
import { SqliteEngine } from '../../src/store/sqlite/engine.ts';
import { create, publication, publish } from './changes.ts';

const BODY = 'x'.repeat(8 * 1024 * 1024);
const MESSAGES = 3;

const [path = '', first = '1'] = process.argv.slice(2);
const queue = Number(first);

try {
  const engine = new SqliteEngine(path);
  engine.commit(packBatch([create(queue)]));
  for (let seq = queue; seq < queue + MESSAGES; seq++)
    engine.commit(packBatch([publish(publication([[queue, seq]], { body: BODY }))]));
  engine.close();
} catch {
  process.exitCode = 1;
}
