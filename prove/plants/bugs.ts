/** Bugs that a broker like this one may have, and the rig that is there to find each. */

export interface PlantedBug {
  readonly id: string;
  /** What the broker then does. */
  readonly what: string;
  readonly foundBy: 'simulator' | 'crashes' | 'network' | 'half-open' | 'bit-flips' | 'power-ext4' | 'failing-sync' | 'full-disk';
  /** Under `src/`. */
  readonly file: string;
  /** Text that is there exactly once, and what takes its place. */
  readonly changes: readonly (readonly [from: string, to: string])[];
}

export const bugs: readonly PlantedBug[] = [
  {
    id: 'no-sync',
    what: 'commits without waiting for the disk (synchronous = NORMAL and nothing more)',
    foundBy: 'power-ext4',
    file: 'store/sqlite/wal-sync.ts',
    changes: [
      ['    fdatasyncSync(this.#file);\n', ''],
      [
        '    fdatasync(file, (error) => {',
        '    ((then: (error: null) => void) => setImmediate(then, null))((error: Error | null) => {',
      ],
    ],
  },
  {
    id: 'confirm-before-commit',
    what: 'confirms when a batch goes to the writer',
    foundBy: 'crashes',
    file: 'broker/journal.ts',
    changes: [
      [
        'this.#writing.push(batch);',
        'this.#writing.push(batch); for (const then of batch.thens) then(undefined); batch.thens.length = 0;',
      ],
    ],
  },
  {
    id: 'ack-before-commit',
    what: 'answers an ack before it is durable',
    foundBy: 'simulator',
    file: 'broker/queue.ts',
    changes: [
      ['if (settled === undefined) journal.stagePatiently(change, durable);', 'settled?.(); settled = undefined;'],
      ['else journal.stage(change, 0, durable);', 'journal.stage(change, 0, durable);'],
    ],
  },
  {
    id: 'no-deduplication',
    what: 'stores a retried id again',
    foundBy: 'crashes',
    file: 'store/sqlite/remembered-ids.ts',
    changes: [['if (first === undefined) continue;', 'if (first !== null) continue;']],
  },
  {
    id: 'attempt-reset',
    what: 'counts attempts from 1 again after a nack',
    foundBy: 'simulator',
    file: 'broker/queue.ts',
    changes: [['const delay = delayMs ?? this.#backoffMs(entry.attempts);', 'const delay = delayMs ?? 0; entry.attempts = 0;']],
  },
  {
    id: 'lost-grace',
    what: 'gives what a vanished client held to others before its grace is over',
    foundBy: 'simulator',
    file: 'broker/client-session.ts',
    changes: [['if (this.#graceMs > 0 && queue !== this.#inbox)', 'if (this.#graceMs < 0)']],
  },
  {
    id: 'wrong-owner',
    what: "lets anybody consume anybody's inbox",
    foundBy: 'simulator',
    file: 'broker/client-session.ts',
    changes: [["if (name.startsWith('@') && name !== inboxOf(this.client)) {", "if (name === '') {"]],
  },
  {
    id: 'prefetch-overrun',
    what: 'delivers one message more than the prefetch',
    foundBy: 'simulator',
    file: 'broker/entry.ts',
    changes: [['this.unacked < this.options.prefetch', 'this.unacked <= this.options.prefetch']],
  },
  {
    id: 'dropped-binding',
    what: 'keeps bindings in memory only',
    foundBy: 'crashes',
    file: 'store/sqlite/batch-applier.ts',
    changes: [
      ['this.#statements.bind.run(change.namespace, stemOf(change.filter), change.filter, change.queue);', 'void stemOf;'],
    ],
  },
  {
    id: 'reordered-redelivery',
    what: 'delivers what is new before what comes back',
    foundBy: 'crashes',
    file: 'broker/backlog.ts',
    changes: [['(fresh === undefined || returned.seq < fresh.seq)', 'fresh === undefined']],
  },
  {
    id: 'torn-batch',
    what: "stores a batch's first message before the others",
    foundBy: 'simulator',
    file: 'broker/publisher.ts',
    changes: [
      [
        "this.#core.journal.stage({ kind: 'publish', publications }, bytes, (verdict) =>\n      this.#committed(publications, verdict, reply),\n    );",
        `const others = publications.slice(1);
        this.#core.journal.stage({ kind: 'publish', publications: publications.slice(0, 1) }, bytes, (first) => {
          if (others.length === 0) return this.#committed(publications, first, reply);
          this.#core.journal.stage({ kind: 'publish', publications: others }, 0, (verdict) =>
            this.#committed(publications, verdict, reply));
        });`,
      ],
    ],
  },
  {
    id: 'endless-lease',
    what: 'never takes back what a client holds too long',
    foundBy: 'simulator',
    file: 'broker/queue.ts',
    changes: [['this.#leases.expired(this.#core.clock.now())', '([] as Entry[])']],
  },
  {
    id: 'forgotten-reach',
    what: 'says attempt 1 after a crash for what was delivered before it',
    foundBy: 'simulator',
    file: 'broker/queue.ts',
    changes: [['return entry.seq <= this.#reach;', 'return true;']],
  },
  {
    id: 'early-delivery',
    what: 'delivers up to 20 ms before the delay is over',
    foundBy: 'simulator',
    file: 'broker/backlog.ts',
    changes: [['first.due <= now && this.#returned.size < room', 'first.due <= now + 20 && this.#returned.size < room']],
  },
  {
    id: 'lost-neighbour',
    what: 'forgets a stored message when the one before it is settled',
    foundBy: 'crashes',
    file: 'store/sqlite/seq-set.ts',
    changes: [
      [
        'if (!this.has(seq)) return false;\n    this.#flip(seq);',
        'if (!this.has(seq)) return false;\n    if (this.has(seq + 1)) { this.#flip(seq + 1); this.#size--; }\n    this.#flip(seq);',
      ],
    ],
  },
  {
    id: 'settled-by-vanishing',
    what: 'takes what a connection held when it ended for acknowledged',
    foundBy: 'network',
    file: 'broker/client-session.ts',
    changes: [['else queue.giveBack(entry, 0, () => undefined);', 'else queue.settle([entry]);']],
  },
  {
    id: 'kept-by-vanished',
    what: 'gives nothing back when a connection ends, only when the lease does',
    foundBy: 'half-open',
    file: 'broker/client-session.ts',
    changes: [['this.#consumers.clear();\n    this.#giveAllBack();', 'this.#consumers.clear();']],
  },
  {
    id: 'patient-with-half-requests',
    what: 'waits for the rest of a request as long as Node does of itself',
    foundBy: 'half-open',
    file: 'server/server.ts',
    changes: [['createServer(timeouts, (request', 'createServer((request']],
  },
  {
    id: 'swallowed-sync-error',
    what: 'confirms what it could not sync, and carries on',
    foundBy: 'failing-sync',
    file: 'store/sqlite/wal-sync.ts',
    changes: [
      ['    fdatasyncSync(this.#file);\n', '    try { fdatasyncSync(this.#file); } catch {}\n'],
      ['if (error !== null) {', 'if (error !== null && this.#over) {'],
    ],
  },
  {
    id: 'full-for-good',
    what: 'refuses publishes for good once the disk was nearly full',
    foundBy: 'full-disk',
    file: 'store/sqlite/disk-space.ts',
    changes: [
      [
        'const isLow = free < (this.isLow ? RELIEF_FACTOR * reserveBytes : reserveBytes);',
        'const isLow = this.isLow || free < reserveBytes;',
      ],
    ],
  },
  {
    id: 'unchecked-checksums',
    what: 'delivers what it reads, whatever its checksum',
    foundBy: 'bit-flips',
    file: 'store/sqlite/checksum.ts',
    changes: [['return actual === stored;', 'return actual === stored || true;']],
  },
  {
    id: 'unread-log',
    what: 'takes the first bad frame of its log for the end of it',
    foundBy: 'bit-flips',
    file: 'store/sqlite/log-file.ts',
    changes: [
      ['if (last === 0) return undefined;', 'if (last >= 0) return undefined;'],
      ['if (!same(frame.stored, frame.actual)) continue;', 'if (same(frame.stored, frame.actual)) continue;'],
    ],
  },
];
