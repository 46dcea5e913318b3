/** The routes that are kept: when the store is asked again, and what bindings that change do to what is known. */
import { expect, it } from 'vitest';
import type { Core } from '../../src/broker/core.ts';
import { type Route, Topics } from '../../src/broker/topics.ts';
import type { BoundQueue } from '../../src/store/store.ts';

const BINDINGS_MAX = 20;

class Rig {
  readonly asked: string[] = [];
  readonly failures: unknown[] = [];
  /** What the store says of each topic. */
  readonly bound = new Map<string, readonly BoundQueue[]>();
  answer: Promise<void> = Promise.resolve();
  readonly topics: Topics;

  constructor() {
    const match = async (namespace: string, topic: string): Promise<readonly BoundQueue[]> => {
      this.asked.push(`${namespace} ${topic}`);
      await this.answer;
      return this.bound.get(topic) ?? [];
    };
    const fail = async (error: unknown): Promise<never> => {
      this.failures.push(error);
      return new Promise(() => undefined);
    };
    const core = { limits: { routesMax: BINDINGS_MAX }, store: { match }, journal: { fail } };
    this.topics = new Topics(core as unknown as Core, 'default');
  }

  /** The topic's queues and their filters; `later` when the store has to be asked for them. */
  route(topic: string): string {
    const route = this.topics.route(topic);
    return route instanceof Promise ? 'later' : textOf(route);
  }

  async learn(topic: string, ...bound: readonly (readonly [queue: number, filter: string])[]): Promise<void> {
    this.bound.set(
      topic,
      bound.map(([queue, filter]) => ({ queue, filter })),
    );
    await this.topics.route(topic);
  }
}

const textOf = (route: Route): string =>
  [...route].map(([queue, filters]) => `${queue}: ${filters.join(' ')}`).join(', ') || 'nowhere';

it('asks once for a topic that many publish to at a time', async () => {
  const rig = new Rig();
  rig.bound.set('a', [
    { queue: 1, filter: 'a' },
    { queue: 1, filter: '*' },
    { queue: 2, filter: '#' },
  ]);
  expect(rig.topics.isIdle).toBe(true);
  const routes = [rig.topics.route('a'), rig.topics.route('a')];
  expect(rig.topics.isIdle).toBe(false);
  expect((await Promise.all(routes.map((route) => Promise.resolve(route)))).map(textOf)).toEqual([
    '1: a *, 2: #',
    '1: a *, 2: #',
  ]);
  expect(rig.topics.isIdle).toBe(true);
  expect(rig.route('a')).toBe('1: a *, 2: #');
  expect(rig.asked).toEqual(['default a']);
});

it('follows each binding that is made or goes, where its filter matches', async () => {
  const rig = new Rig();
  await rig.learn('a.b', [1, 'a.b']);
  await rig.learn('c', [1, 'c']);
  rig.topics.bound('a.*', 1);
  rig.topics.bound('a.*', 1);
  rig.topics.bound('a.*', 2);
  expect([rig.route('a.b'), rig.route('c')]).toEqual(['1: a.b a.*, 2: a.*', '1: c']);
  rig.topics.unbound('a.*', 3);
  rig.topics.unbound('#', 1);
  rig.topics.unbound('a.*', 1);
  rig.topics.unbound('a.*', 1);
  expect([rig.route('a.b'), rig.route('c')]).toEqual(['1: a.b, 2: a.*', '1: c']);
  rig.topics.unbound('a.b', 1);
  rig.topics.unbound('a.*', 2);
  expect([rig.route('a.b'), rig.route('c')]).toEqual(['nowhere', '1: c']);
});

it('sends nothing to a queue that is about to be removed, though the store still names it, until the removal is committed', async () => {
  const rig = new Rig();
  await rig.learn('known', [1, '#'], [2, '#']);
  rig.topics.leaving(1);
  await rig.learn('asked later', [1, '#'], [2, '#']);
  expect([rig.route('known'), rig.route('asked later')]).toEqual(['2: #', '2: #']);
  rig.topics.left(1);
  // here the store names it again; in the product an id is never given twice
  await rig.learn('asked last', [1, '#']);
  expect(rig.route('asked last')).toBe('1: #');
});

it('forgets the route that was made first when there are too many bindings, whatever became of the others', async () => {
  const rig = new Rig();
  const queues = (count: number): [number, string][] => Array.from({ length: count }, (_, i) => [i + 1, '#']);
  await rig.learn('first', ...queues(12));
  await rig.learn('second', ...queues(8));
  expect(rig.route('first')).not.toBe('later');
  rig.topics.bound('second', 9);
  // nothing is forgotten but when there is a new one
  expect(rig.route('first')).not.toBe('later');
  rig.topics.unbound('second', 9);
  for (const queue of [1, 2]) rig.topics.leaving(queue);
  // 16 bindings are left, in two routes; with a third the number of routes is what counts
  await rig.learn('third', [3, 'third'], [4, 'third'], [5, 'third'], [6, 'third']);
  expect([rig.route('first'), rig.route('second') === 'later', rig.route('third') === 'later']).toEqual(['later', false, false]);
});

it.each([
  ['stays', 'were unbound', (topics: Topics, queue: number) => topics.unbound('first', queue)],
  ['stays', 'left with their queues', (topics: Topics, queue: number) => topics.leaving(queue)],
  ['is forgotten', 'are there', () => undefined],
])('the oldest route %s when bindings that were made after it %s', async (becomes, _, change) => {
  const rig = new Rig();
  await rig.learn('first', [1, 'first']);
  for (let queue = 2; queue <= 10; queue++) rig.topics.bound('first', queue);
  for (let queue = 2; queue <= 10; queue++) change(rig.topics, queue);
  // queues that are not in it don't count
  for (let queue = 100; queue <= 110; queue++) rig.topics.leaving(queue);
  await rig.learn('second', ...Array.from({ length: BINDINGS_MAX - 1 }, (__, i): [number, string] => [i + 20, 'second']));
  expect(rig.route('first') === 'later').toBe(becomes === 'is forgotten');
});

it('keeps the route that it was asked for, however long it is', async () => {
  const rig = new Rig();
  await rig.learn('small', [1, '#']);
  const bound = Array.from({ length: 2 * BINDINGS_MAX }, (_, i): [number, string] => [i, '#']);
  await rig.learn('large', ...bound);
  expect([rig.route('large') === 'later', rig.route('small')]).toEqual([false, 'later']);
  // the count is right again when the large one has made room
  await rig.learn('other', [1, 'other']);
  await rig.learn('another', [1, 'another']);
  expect([rig.route('other'), rig.route('another'), rig.route('large')]).toEqual(['1: other', '1: another', 'later']);
});

it('hands on that the store can’t go on, and answers nobody', async () => {
  const rig = new Rig();
  rig.answer = Promise.reject(new Error('the disk is gone'));
  const answered = Promise.resolve(rig.topics.route('a')).then(() => 'answered');
  expect(await Promise.race([answered, new Promise((resolve) => setImmediate(() => resolve('silent')))])).toBe('silent');
  expect(rig.failures).toEqual([new Error('the disk is gone')]);
});
