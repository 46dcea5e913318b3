/**
 * Brings a database to this program's schema: numbered steps, forward only, each in a transaction of its own. A database
 * written by a newer program is refused, never guessed at.
 */
import type Database from 'better-sqlite3';
import { firstSchema } from './migrations/0001-first-schema.ts';
import { StoreError } from './store-error.ts';

/** "Hldf", in the file's header. */
export const APPLICATION_ID = 0x486c6466;

/** Numbers of schemas that no release ever had, from before there were checksums. */
const SCHEMAS_UNRELEASED = 2;

const MIGRATIONS: readonly string[] = [firstSchema];

const SCHEMA_VERSION = SCHEMAS_UNRELEASED + MIGRATIONS.length;

export function schemaVersionOf(db: Database.Database): number {
  return Number(db.pragma('user_version', { simple: true }));
}

export function refuseOtherSchema(db: Database.Database): void {
  const version = schemaVersionOf(db);
  if (version > 0 && version <= SCHEMAS_UNRELEASED) {
    const was = `was written by a Holdfast from before its first release (schema ${version})`;
    throw new StoreError('older_schema', `${db.name} ${was}: drain it with that one, then move the file away`);
  }
  if (version <= SCHEMA_VERSION) return;
  const advice = `this program knows schemas up to ${SCHEMA_VERSION}: run a newer Holdfast`;
  throw new StoreError('newer_schema', `${db.name} was written by a newer Holdfast (schema ${version}); ${advice}`);
}

export function migrate(db: Database.Database): void {
  refuseOtherSchema(db);
  for (let version = Math.max(schemaVersionOf(db), SCHEMAS_UNRELEASED); version < SCHEMA_VERSION; version++) {
    const sql = MIGRATIONS[version - SCHEMAS_UNRELEASED] ?? '';
    db.transaction(() => {
      db.exec(sql);
      db.pragma(`application_id = ${APPLICATION_ID}`);
      db.pragma(`user_version = ${version + 1}`);
    }).immediate();
  }
}
