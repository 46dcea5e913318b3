/**
 * Brings a database to this program's schema: numbered steps, forward only, each in a transaction of its own. A database
 * written by a newer program is refused, never guessed at.
 */
import type Database from 'better-sqlite3';
import { firstSchema } from './migrations/0001-first-schema.ts';
import { blocks } from './migrations/0002-blocks.ts';
import { StoreError } from './store-error.ts';

/** "Hldf", in the file's header. */
export const APPLICATION_ID = 0x486c6466;

const MIGRATIONS: readonly string[] = [firstSchema, blocks];

const SCHEMA_VERSION = MIGRATIONS.length;

export function schemaVersionOf(db: Database.Database): number {
  return Number(db.pragma('user_version', { simple: true }));
}

export function refuseNewerSchema(db: Database.Database): void {
  const version = schemaVersionOf(db);
  if (version <= SCHEMA_VERSION) return;
  const advice = `this program knows schemas up to ${SCHEMA_VERSION}: run a newer Holdfast`;
  throw new StoreError('newer_schema', `${db.name} was written by a newer Holdfast (schema ${version}); ${advice}`);
}

export function migrate(db: Database.Database): void {
  refuseNewerSchema(db);
  for (let version = schemaVersionOf(db); version < SCHEMA_VERSION; version++) {
    const sql = MIGRATIONS[version] ?? '';
    db.transaction(() => {
      db.exec(sql);
      db.pragma(`application_id = ${APPLICATION_ID}`);
      db.pragma(`user_version = ${version + 1}`);
    }).immediate();
  }
}
