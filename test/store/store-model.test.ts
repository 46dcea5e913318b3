/** Random batches, given to both engines: whatever one reports or reads, the other does. The seed is printed on a failure. */
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MemoryDisk } from '../../src/store/memory/memory-disk.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { checkDatabase } from '../../src/store/sqlite/check.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { type Change, type Publication, type Store, sharedBodyOf } from '../../src/store/store.ts';
import { create, guardOf, idOf, publication, publish } from './changes.ts';
import { makeTemporaryDirectory, removeDirectory } from './temporary-directory.ts';

const STEP = {
  kind: fc.constantFrom(
    'publish',
    'publish',
    'publish',
    'burst',
    'burst',
    'settle',
    'settle',
    'return',
    'create',
    'remove',
    'bind',
    'unbind',
    'rest',
  ),
  which: fc.nat(1000),
  many: fc.integer({ min: 1, max: 4 }),
  due: fc.constantFrom(0, 0, 0, 5, 6),
  flag: fc.boolean(),
} as const;
const anyStep = fc.record(STEP);
type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never;
const batches = fc.array(
  fc.record({ steps: fc.array(anyStep, { maxLength: 25 }), reopen: fc.constantFrom(false, false, false, true) }),
  {
    maxLength: 12,
  },
);

const FILTERS = ['a', 'a.b', 'a.*', '#', '*.b', 'a.#', 'a.b.#'];
const TOPICS = ['a', 'a.b', 'a.b.c', 'b.b'];
const WINDOW_MS = 8;

/** Turns steps into changes that a broker could make: seqs and queue ids rise, and only what exists is touched. */
class World {
  seq = 1;
  time = 1000;
  readonly queues: number[] = [];
  readonly everyQueue: number[] = [];
  readonly #live: { readonly queue: number; readonly seq: number; readonly sharedBody: number }[] = [];

  changeFrom(step: Step): Change {
    this.time++;
    const queue = this.queues[step.which % this.queues.length];
    const message = this.#live[step.which % this.#live.length];
    if (queue === undefined || step.kind === 'create') return this.#create(step);
    switch (step.kind) {
      case 'publish':
        return publish(...Array.from({ length: step.many }, (_, i) => this.#publication(step, i)));
      case 'burst':
        return publish(...Array.from({ length: 6 * step.many }, (_, i) => this.#toOne(queue, step, i)));
      case 'settle': {
        const of = message?.queue ?? queue;
        const count = step.flag ? step.many : 10 * step.many;
        const messages = this.#live.filter((live) => live.queue === of).slice(step.which % 5, (step.which % 5) + count);
        return { kind: 'settle', queue: of, messages };
      }
      case 'return':
        return { kind: 'return', queue: message?.queue ?? queue, seq: message?.seq ?? 1, attempts: step.many, due: step.due };
      case 'remove':
        this.#forget(queue);
        return { kind: 'remove', queue };
      case 'bind':
        return { kind: 'bind', namespace: 'default', queue, filter: this.#filter(step) };
      case 'unbind':
        return { kind: 'unbind', queue, filter: this.#filter(step) };
      case 'rest':
        return step.flag ? { kind: 'reach', queue, seq: step.which } : { kind: 'reserve', seq: this.seq };
      default:
        return step.kind satisfies never;
    }
  }

  forgetTransient(): void {
    for (const queue of this.queues.filter((id) => id % 3 === 0)) this.#forget(queue);
  }

  #create({ which }: Step): Change {
    const id = this.everyQueue.length + 1;
    this.queues.push(id);
    this.everyQueue.push(id);
    return create(id, { transient: id % 3 === 0, settings: { leaseMs: which, backoffMs: [which] } });
  }

  #publication({ which, due, flag }: Step, nth: number): Publication {
    const reached = this.queues.filter((_, i) => (which >> i) % 2 === nth % 2);
    const placements = reached.map((queue) => [queue, this.seq++] as const);
    const guard = flag
      ? { id: idOf((which + nth) % 7), guard: guardOf({ since: this.time - WINDOW_MS }) }
      : { id: idOf(5000 + this.seq) };
    const made = publication(placements, { ...guard, time: this.time, due, body: `"${which % 2}"` });
    for (const placement of made.placements) this.#live.push({ ...placement, sharedBody: sharedBodyOf(made) });
    return made;
  }

  /** One of many that come together. Now and then a seq goes to somebody else. */
  #toOne(queue: number, { which, flag }: Step, nth: number): Publication {
    if ((which + nth) % 9 === 0) this.seq++;
    const seq = this.seq++;
    const guard = flag && nth % 2 === 0 ? { id: idOf((which + nth) % 70), guard: guardOf({ since: this.time - WINDOW_MS }) } : {};
    this.#live.push({ queue, seq, sharedBody: 0 });
    const attributes = nth % 3 === 0 ? { topic: `é.${nth}` } : undefined;
    return publication([[queue, seq]], { time: this.time, body: `"${nth % 2}"`, ...(attributes && { attributes }), ...guard });
  }

  #filter({ which, many }: Step): string {
    return FILTERS[(which * many) % FILTERS.length] ?? '#';
  }

  #forget(queue: number): void {
    this.queues.splice(this.queues.indexOf(queue), 1);
    for (let i = this.#live.length - 1; i >= 0; i--) if (this.#live[i]?.queue === queue) this.#live.splice(i, 1);
  }
}

async function everythingIn(store: Store, world: World): Promise<unknown> {
  const limits = { messagesMax: 5, bytesMax: 12 };
  const bound = await Promise.all(TOPICS.map((topic) => store.match('default', topic)));
  return {
    recovered: await store.recover(),
    bound: bound.map((matches) => matches.map(({ queue, filter }) => `${queue} ${filter}`).sort()),
    queues: await Promise.all(world.everyQueue.map((id) => store.find('default', `queue-${id}`))),
    messages: await Promise.all(
      world.queues.flatMap((id) => [
        store.read(id, { kind: 'after', seq: 0 }, { messagesMax: 1000, bytesMax: 1e6 }),
        store.read(id, { kind: 'after', seq: Math.floor(world.seq / 2) }, limits),
        store.read(id, { kind: 'due', due: 0, seq: 0 }, { messagesMax: 1000, bytesMax: 1e6 }),
        store.read(id, { kind: 'due', due: 5, seq: Math.floor(world.seq / 2) }, limits),
        store.read(id, { kind: 'these', seqs: [3, 1, 7, 12, world.seq - 1] }, limits),
      ]),
    ),
  };
}

it('reads the same from both engines after any batches, and leaves a database without findings', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(batches, async (run) => {
      const directory = makeTemporaryDirectory();
      const path = join(directory, 'holdfast.db');
      const disk = new MemoryDisk();
      const world = new World();
      let memory: Store = new MemoryStore(disk);
      let sqlite = await openSqliteStore({ path });
      try {
        for (const { steps, reopen } of run) {
          const changes = steps.map((one) => world.changeFrom(one));
          expect(await sqlite.commit(changes)).toEqual(await memory.commit(changes));
          if (reopen) {
            await Promise.all([memory.close(), sqlite.close()]);
            world.forgetTransient();
            memory = new MemoryStore(disk);
            sqlite = await openSqliteStore({ path });
          }
          expect(await everythingIn(sqlite, world)).toEqual(await everythingIn(memory, world));
        }
        await sqlite.commit([{ kind: 'reserve', seq: world.seq }]);
        await sqlite.close();
        expect(checkDatabase(path).findings).toEqual([]);
      } finally {
        await sqlite.close();
        removeDirectory(directory);
      }
    }),
    // Shrinking takes long: what was found by then is reported, instead of a timeout that says nothing.
    { numRuns: 40, interruptAfterTimeLimit: 90_000 },
  );
});
