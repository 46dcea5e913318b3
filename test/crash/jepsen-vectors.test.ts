/**
 * The example histories of Jepsen's queue checkers, in our words, judged by our checker. Source: the tests `queue-test` and
 * `total-queue-test` in https://github.com/jepsen-io/jepsen/blob/main/jepsen/test/jepsen/checker_test.clj, the meaning of the counts
 * from `total-queue` in jepsen/src/jepsen/checker.clj beside it. Only the data are taken, not the code.
 *
 * Ours is the stricter one. Jepsen counts what came out twice and lets it pass; it calls what was refused and came out all the same
 * recovered; and it knows nothing of ids, attempts, order, delays, prefetch and batches. `queue` judges any moment of a run, whereas
 * ours, as `total-queue`, judges a run that was drained.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkHistory } from './check-history.ts';
import type { HistoryEvent } from './history.ts';

type Operation =
  | { readonly type: 'invoke' | 'ok' | 'fail' | 'info'; readonly f: 'enqueue'; readonly value: string }
  | { readonly type: 'invoke'; readonly f: 'dequeue' | 'drain' }
  | { readonly type: 'ok'; readonly f: 'dequeue'; readonly value: string }
  | { readonly type: 'ok'; readonly f: 'drain'; readonly value: readonly string[] };

const enqueue = (type: 'invoke' | 'ok' | 'fail' | 'info', value: string): Operation => ({ type, f: 'enqueue', value });
/** Asked for, and nothing came. */
const DEQUEUE: Operation = { type: 'invoke', f: 'dequeue' };
const dequeued = (value: string): Operation[] => [DEQUEUE, { type: 'ok', f: 'dequeue', value }];
const drained = (...value: string[]): Operation[] => [
  { type: 'invoke', f: 'drain' },
  { type: 'ok', f: 'drain', value },
];

/** A dequeue is a delivery and its acknowledgement; an enqueue that was answered without being asked for was asked for. */
function historyOf(operations: readonly Operation[]): HistoryEvent[] {
  const history: HistoryEvent[] = [
    { kind: 'connect', connection: 1 },
    { kind: 'subscribe', connection: 1, queue: 'q', prefetch: 1 },
  ];
  const asked = new Set<string>();
  const attempts = new Map<string, number>();
  const ask = (key: string): void => {
    asked.add(key);
    history.push({ kind: 'publish', publisher: 'ann', key, queues: ['q'], hash: key });
  };
  const take = (key: string): void => {
    const attempt = (attempts.get(key) ?? 0) + 1;
    attempts.set(key, attempt);
    const which = { connection: 1, queue: 'q', id: `id-${key}` };
    history.push({ kind: 'delivery', ...which, attempt, key, hash: key, at: 0 }, { kind: 'ack', ...which, at: 0 });
    history.push({ kind: 'acked', ...which, outcome: 'ok' });
  };
  for (const operation of operations) {
    if (operation.f === 'enqueue') {
      const { type: outcome, value: key } = operation;
      if (!asked.has(key)) ask(key);
      if (outcome !== 'invoke')
        history.push({ kind: 'published', key, outcome, ...(outcome === 'ok' ? { id: `id-${key}` } : {}) });
    } else if (operation.type === 'ok') for (const key of [operation.value].flat()) take(key);
  }
  return history;
}

/** What both count, by Jepsen's names. */
interface Counts {
  readonly attempts: number;
  readonly acknowledged: number;
  readonly lost: number;
  readonly unexpected: number;
  readonly duplicated: number;
  readonly recovered: number;
}

function ours(operations: readonly Operation[]): Counts {
  const { tries, confirmed, recovered, violations } = checkHistory(historyOf(operations), new Set(['q']), true);
  const count = (kind: string): number => violations.filter((violation) => violation.kind === kind).length;
  return {
    attempts: tries,
    acknowledged: confirmed,
    lost: count('lost'),
    unexpected: count('invented'),
    duplicated: count('duplicated'),
    recovered,
  };
}

function violationsOf(...operations: readonly Operation[]): string[] {
  return checkHistory(historyOf(operations), new Set(['q']), true).violations.map(({ kind }) => kind);
}

const NOTHING: Counts = { attempts: 0, acknowledged: 0, lost: 0, unexpected: 0, duplicated: 0, recovered: 0 };

describe("Jepsen's total-queue", () => {
  test('empty', () => {
    expect(ours([])).toEqual(NOTHING);
    expect(violationsOf()).toEqual([]);
  });

  test('sane: one was never answered, and both come out', () => {
    const sane = [enqueue('invoke', '1'), enqueue('invoke', '2'), enqueue('ok', '2'), ...dequeued('1'), ...dequeued('2')];
    expect(ours(sane)).toEqual({ ...NOTHING, attempts: 2, acknowledged: 1, recovered: 1 });
    expect(violationsOf(...sane)).toEqual([]);
  });

  test('pathological: one hangs, one is lost, one comes twice, and one from nowhere', () => {
    const pathological = [
      enqueue('invoke', 'hung'),
      enqueue('invoke', 'enqueued'),
      enqueue('ok', 'enqueued'),
      enqueue('invoke', 'dup'),
      enqueue('ok', 'dup'),
      DEQUEUE,
      ...dequeued('wtf'),
      ...dequeued('dup'),
      ...dequeued('dup'),
    ];
    expect(ours(pathological)).toEqual({ attempts: 3, acknowledged: 2, lost: 1, unexpected: 1, duplicated: 1, recovered: 0 });
    expect(violationsOf(...pathological)).toEqual(['invented', 'duplicated', 'lost']);
  });

  test('a drain is as many dequeues (its rule; it has no example)', () => {
    const filled = ['a', 'b'].flatMap((value) => [enqueue('invoke', value), enqueue('ok', value)]);
    expect(violationsOf(...filled, ...drained('a', 'b'))).toEqual([]);
    expect(violationsOf(...filled, ...drained('a'))).toEqual(['lost']);
  });
});

describe("Jepsen's queue", () => {
  test.each<[string, Operation[], string[]]>([
    ['empty', [], []],
    ['possible enqueue but no dequeue', [enqueue('invoke', '1')], []],
    ['concurrent enqueue and dequeue', [DEQUEUE, enqueue('invoke', '1'), ...dequeued('1').slice(1)], []],
    ['dequeue but no enqueue', dequeued('1').slice(1), ['invented']],
  ])('%s', (_, operations, violations) => expect(violationsOf(...operations)).toEqual(violations));

  test('definite enqueue but no dequeue: still there at that moment, lost once the queue was drained', () => {
    expect(violationsOf(enqueue('ok', '1'))).toEqual(['lost']);
  });
});

describe('where ours is stricter', () => {
  test('coming out twice after an acknowledgement is a violation, not only a count', () => {
    const twice = [enqueue('invoke', 'a'), enqueue('ok', 'a'), ...dequeued('a'), ...dequeued('a')];
    expect(totalQueue(twice)).toMatchObject({ lost: 0, unexpected: 0, duplicated: 1 });
    expect(violationsOf(...twice)).toEqual(['duplicated']);
  });

  test('what was refused must not come out: Jepsen takes it for recovered', () => {
    const refused = [enqueue('invoke', 'a'), enqueue('fail', 'a'), ...dequeued('a')];
    expect(totalQueue(refused)).toMatchObject({ unexpected: 0, recovered: 1 });
    expect(violationsOf(...refused)).toEqual(['invented']);
  });
});

test('on any history of enqueues that are confirmed or never answered, the counts are those of total-queue', () => {
  const value = fc.integer({ min: 0, max: 9 }).map(String);
  const answers = fc.uniqueArray(fc.tuple(value, fc.constantFrom('ok', 'info', 'invoke')), { selector: ([key]) => key });
  fc.assert(
    fc.property(answers, fc.array(value, { maxLength: 20 }), (enqueued, out) => {
      const asked = new Set(enqueued.map(([key]) => key));
      // a value from nowhere that comes twice counts once as such with both, and for ours as a duplicate too
      const taken = out.filter((key, i) => asked.has(key) || out.indexOf(key) === i);
      const enqueues = enqueued.flatMap(([key, type]) =>
        type === 'invoke' ? [enqueue(type, key)] : [enqueue('invoke', key), enqueue(type, key)],
      );
      const operations = [...enqueues, ...taken.flatMap(dequeued)];
      expect(ours(operations)).toEqual(totalQueue(operations));
    }),
  );
});

/** The counts as `total-queue` means them, each value being enqueued once at most. */
function totalQueue(operations: readonly Operation[]): Counts {
  const valuesOf = (f: Operation['f'], type: Operation['type']): string[] =>
    operations.flatMap((operation) =>
      operation.f === f && operation.type === type && 'value' in operation ? operation.value : [],
    );
  const attempts = new Set(valuesOf('enqueue', 'invoke'));
  const enqueues = new Set(valuesOf('enqueue', 'ok'));
  const dequeues = [...valuesOf('dequeue', 'ok'), ...valuesOf('drain', 'ok')];
  const out = new Set(dequeues);
  const known = dequeues.filter((value) => attempts.has(value));
  const came = new Set(known);
  return {
    attempts: attempts.size,
    acknowledged: enqueues.size,
    lost: [...enqueues].filter((value) => !out.has(value)).length,
    unexpected: dequeues.length - known.length,
    duplicated: known.length - came.size,
    recovered: [...came].filter((value) => !enqueues.has(value)).length,
  };
}
