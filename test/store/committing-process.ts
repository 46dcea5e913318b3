/** Commits enough at the path given to it that its log is carried over. Ends with 0 when all is done, with 1 at the first error. */
import process from 'node:process';
import { packBatch } from '../../src/store/sqlite/batch-codec.ts';
import { SqliteEngine } from '../../src/store/sqlite/engine.ts';
import { create, publication, publish } from './changes.ts';

const BODY = 'x'.repeat(8 * 1024 * 1024);
const MESSAGES = 3;

try {
  const engine = new SqliteEngine(process.argv[2] ?? '');
  engine.commit(packBatch([create(1)]));
  for (let seq = 1; seq <= MESSAGES; seq++) engine.commit(packBatch([publish(publication([[1, seq]], { body: BODY }))]));
  engine.close();
} catch {
  process.exitCode = 1;
}
