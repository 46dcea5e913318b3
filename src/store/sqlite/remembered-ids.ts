/**
 * Ids that publishers gave: tells a publication that is new from one that was published before, and from one that took the id of
 * another. Remembers each for as long as its own guard looked back.
 *
 * What expired is found by a sweep through the table in the order of its key, some rows on with every commit that remembers
 * more: work in proportion, no commit pays for all of it, and at three rows swept for each one added the table never holds
 * more than half as much again as what is still asked for. It begins at random, so that a broker which never runs for long forgets
 * as well. An index by time would make each id cost 1.6 times as much.
 */
import { Buffer } from 'node:buffer';
import { hash, randomUUID } from 'node:crypto';
import type { Duplicate, PublishVerdict } from '../store.ts';
import type { PackedGuard, PackedPublication } from './batch-codec.ts';
import type { RememberedRow, Statements } from './statements.ts';

/** 128 bits of SHA-256 in base64. A publisher that finds a collision deceives only itself. */
const FINGERPRINT_CHARACTERS = 22;
const SWEPT_PER_REMEMBERED = 3;
const BEFORE_ALL_KEYS = Buffer.alloc(0);

export class RememberedIds {
  readonly #statements: Statements;
  #addedInBatch = 0;
  #latestTime = 0;
  /** The sweep is done with the keys up to this one. */
  #sweptTo: Buffer = Buffer.from(randomUUID());

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  /** Remembers a change's ids, all or none of them; undefined when every one was new. */
  judge(publications: readonly PackedPublication[]): PublishVerdict | undefined {
    if (publications.length === 1) return this.#judgeAll(publications);
    if (!publications.some(({ guard }) => guard !== undefined)) return undefined;
    this.#statements.savepoint.run();
    const verdict = this.#judgeAll(publications);
    if (verdict?.kind === 'conflict') this.#statements.rollbackToSavepoint.run();
    this.#statements.releaseSavepoint.run();
    return verdict;
  }

  #judgeAll(publications: readonly PackedPublication[]): PublishVerdict | undefined {
    let duplicates: Map<number, Duplicate> | undefined;
    for (const [index, publication] of publications.entries()) {
      if (publication.guard === undefined) continue;
      const fingerprint = fingerprintOf(publication.guard);
      const first = this.#remember(publication, publication.guard, fingerprint);
      if (first === undefined) continue;
      if (first.fingerprint !== fingerprint) return { kind: 'conflict', publication: index };
      duplicates ??= new Map();
      duplicates.set(index, { queues: first.queues });
    }
    return duplicates && { kind: 'duplicates', publications: duplicates };
  }

  /** What was remembered already under this id, if anything. */
  #remember(publication: PackedPublication, guard: PackedGuard, fingerprint: string): RememberedRow | undefined {
    const { time, placements } = publication;
    const expires = time + (time - guard.since);
    const queues = placements.length / 2;
    this.#latestTime = time;
    if (this.#statements.remember.run(guard.key, fingerprint, time, expires, queues).changes === 0) {
      const row = this.#statements.remembered.get(guard.key);
      if (row !== undefined && row.time >= guard.since) return row;
      this.#statements.rememberAnew.run(guard.key, fingerprint, time, expires, queues);
    }
    this.#addedInBatch++;
    return undefined;
  }

  /** Called once a batch, in its transaction. */
  sweep(): void {
    if (this.#addedInBatch === 0) return;
    const count = this.#addedInBatch * SWEPT_PER_REMEMBERED;
    this.#addedInBatch = 0;
    const { rememberedAfter, forgetBetween, forgetAfter } = this.#statements;
    const last = rememberedAfter.get(this.#sweptTo, count - 1);
    if (last === undefined) forgetAfter.run(this.#sweptTo, this.#latestTime);
    else forgetBetween.run(this.#sweptTo, last, this.#latestTime);
    this.#sweptTo = last ?? BEFORE_ALL_KEYS;
  }
}

function fingerprintOf(guard: PackedGuard): string {
  return hash('sha256', guard.content, 'base64').slice(0, FINGERPRINT_CHARACTERS);
}
