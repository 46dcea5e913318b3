import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isFilter, isName, isQueueName, isTopic, isUuid } from '../../src/protocol/native/names.ts';
import { filterMatches, stemOf, stemsOf } from '../../src/store/topic-filter.ts';

function naive(filter: readonly string[], topic: readonly string[]): boolean {
  const [word, ...rest] = filter;
  if (word === undefined) return topic.length === 0;
  if (word === '#') return naive(rest, topic) || (topic.length > 0 && naive(filter, topic.slice(1)));
  return topic.length > 0 && (word === '*' || word === topic[0]) && naive(rest, topic.slice(1));
}

const word = fc.constantFrom('a', 'b', 'ab', 'c:1');
const topics = fc.array(word, { minLength: 1, maxLength: 6 });
const filters = fc.array(fc.oneof(word, fc.constantFrom('*', '#')), { minLength: 1, maxLength: 6 });

it('matches a filter as the plainest matcher does', () => {
  fc.assert(
    fc.property(filters, topics, (filter, topic) => {
      expect(filterMatches(filter.join('.'), topic.join('.'))).toBe(naive(filter, topic));
    }),
    { numRuns: 20_000 },
  );
});

it('finds every filter that matches under one of the topic’s stems', () => {
  let matches = 0;
  fc.assert(
    fc.property(filters, topics, (filter, topic) => {
      if (!naive(filter, topic)) return;
      matches++;
      expect(stemsOf(topic.join('.'))).toContain(stemOf(filter.join('.')));
    }),
    { numRuns: 20_000 },
  );
  expect(matches).toBeGreaterThan(1000);
});

it('takes no long time for a filter full of #', () => {
  const filter = Array.from({ length: 60 }, () => '#.a').join('.');
  const topic = Array.from({ length: 120 }, () => 'b').join('.');
  const began = performance.now();
  expect(filterMatches(filter, topic)).toBe(false);
  expect(performance.now() - began).toBeLessThan(50);
});

it('knows names of queues, clients and topics, filters and ids', () => {
  for (const name of ['a', '_', '0', 'A.b:c-d_e', 'n'.repeat(128)]) expect(isName(name), name).toBe(true);
  for (const name of ['', '.a', '-a', '@a', 'a b', 'é', 'a\n', 'a/b', 'n'.repeat(129)]) expect(isName(name), name).toBe(false);
  for (const name of ['q', '@a', `@${'n'.repeat(128)}`]) expect(isQueueName(name), name).toBe(true);
  for (const name of ['@', '@@a', 'a@', '@ a']) expect(isQueueName(name), name).toBe(false);
  for (const topic of ['a', 'a.b', '@a.-.:', '-']) expect(isTopic(topic), topic).toBe(true);
  for (const topic of ['', '.', 'a.', '.a', 'a..b', 'a.*', '#', 'a b', 'a\n']) expect(isTopic(topic), topic).toBe(false);
  for (const filter of ['#', '*', 'a.*.#', 'a.b']) expect(isFilter(filter), filter).toBe(true);
  for (const filter of ['', 'a*', '##', 'a.#b', '*.']) expect(isFilter(filter), filter).toBe(false);
  expect(isUuid('0194A1b0-6a5e-7c3e-9d5e-5f1d2c3b4a59')).toBe(true);
  for (const id of ['0194a1b06a5e7c3e9d5e5f1d2c3b4a59', '{0194a1b0-6a5e-7c3e-9d5e-5f1d2c3b4a59}', ''])
    expect(isUuid(id)).toBe(false);
});
