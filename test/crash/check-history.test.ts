import { describe, expect, test } from 'vitest';
import { checkHistory, type Verdict } from './check-history.ts';
import type { History, HistoryEvent, Publish } from './history.ts';

const publish = (key: string, more: Partial<Publish> = {}): HistoryEvent => ({
  kind: 'publish',
  publisher: 'ann',
  key,
  queues: ['q'],
  hash: `hash of ${key}`,
  ...more,
});
const confirm = (key: string, id = `id-${key}`): HistoryEvent => ({ kind: 'published', key, outcome: 'ok', id });
const unanswered = (key: string): HistoryEvent => ({ kind: 'published', key, outcome: 'info' });
const refuse = (key: string): HistoryEvent => ({ kind: 'published', key, outcome: 'fail' });
const connect = (connection: number, prefetch = 10): HistoryEvent[] => [
  { kind: 'connect', connection },
  { kind: 'subscribe', connection, queue: 'q', prefetch },
];
const deliver = (key: string, more: Partial<Extract<HistoryEvent, { kind: 'delivery' }>> = {}): HistoryEvent => ({
  kind: 'delivery',
  connection: 1,
  queue: 'q',
  id: `id-${key}`,
  attempt: 1,
  key,
  hash: `hash of ${key}`,
  at: 0,
  ...more,
});
const ack = (key: string, outcome: 'ok' | 'fail' | 'info' = 'ok', connection = 1): HistoryEvent[] => [
  { kind: 'ack', connection, queue: 'q', id: `id-${key}`, at: 0 },
  { kind: 'acked', connection, queue: 'q', id: `id-${key}`, outcome },
];
const nack = (key: string, delay?: number): HistoryEvent[] => [
  { kind: 'nack', connection: 1, queue: 'q', id: `id-${key}`, at: 0, ...(delay === undefined ? {} : { delay }) },
  { kind: 'nacked', connection: 1, queue: 'q', id: `id-${key}`, outcome: 'ok' },
];
const close = (connection: number): HistoryEvent => ({ kind: 'close', connection });
const crash: HistoryEvent = { kind: 'crash' };

function check(history: History): Verdict {
  return checkHistory(history, new Set(['shared']), true);
}

function broken(...history: readonly (HistoryEvent | HistoryEvent[])[]): string[] {
  return check(history.flat()).violations.map(({ invariant, kind }) => `${invariant} ${kind}`);
}

describe('the checker finds nothing wrong when', () => {
  test('a message is published, delivered and acknowledged', () => {
    const verdict = check([publish('a'), confirm('a'), connect(1), deliver('a'), ack('a')].flat());
    expect(verdict).toMatchObject({ tries: 1, confirmed: 1, deliveries: 1, acknowledged: 1, violations: [] });
  });

  test('an unanswered publish arrives, or does not', () => {
    expect(broken(publish('a'), publish('b'), unanswered('a'), unanswered('b'), connect(1), deliver('a'), ack('a'))).toEqual([]);
  });

  test('a crash lets a message come again, at its place and with a higher attempt', () => {
    const first = [
      publish('a'),
      publish('b'),
      confirm('a'),
      confirm('b'),
      connect(1),
      deliver('a'),
      deliver('b'),
      close(1),
      crash,
    ];
    const again = [connect(2), deliver('a', { connection: 2, attempt: 2 }), deliver('b', { connection: 2, attempt: 2 })];
    expect(broken(...first, ...again, ack('a', 'ok', 2), ack('b', 'ok', 2))).toEqual([]);
  });

  test('an ack was never answered and the message does not come again', () => {
    expect(broken(publish('a'), confirm('a'), connect(1), deliver('a'), ack('a', 'info'), close(1), crash)).toEqual([]);
  });

  test('a retried id is confirmed twice and delivered once', () => {
    const tries = [publish('a', { id: 'id-a' }), unanswered('a'), crash, publish('a', { id: 'id-a' }), confirm('a')];
    expect(broken(...tries, connect(1), deliver('a'), ack('a'))).toEqual([]);
  });

  test('a message that was told to wait comes after newer ones', () => {
    const published = [publish('a'), publish('b'), confirm('a'), confirm('b'), connect(1)];
    const waited = deliver('a', { attempt: 2, at: 50 });
    expect(broken(...published, deliver('a'), nack('a', 50), deliver('b'), ack('b'), waited, ack('a'))).toEqual([]);
  });
});

describe('the checker finds', () => {
  test('a confirmed message that never comes', () => {
    expect(broken(publish('a'), confirm('a'))).toEqual(['1 lost']);
  });

  test('a confirmed message that misses one of its queues', () => {
    expect(broken(publish('a', { queues: ['q', '@ben'] }), confirm('a'), connect(1), deliver('a'), ack('a'))).toEqual(['1 lost']);
  });

  test('a message that its consumer lost and that did not come again', () => {
    expect(broken(publish('a'), confirm('a'), connect(1), deliver('a'), close(1), crash)).toEqual(['1 lost']);
  });

  test('a message whose ack was refused and that did not come again', () => {
    expect(broken(publish('a'), confirm('a'), connect(1), deliver('a'), ack('a', 'fail'))).toEqual(['1 lost']);
  });

  test('a message that nobody published', () => {
    expect(broken(connect(1), deliver('a'), ack('a'))).toEqual(['2 invented']);
  });

  test('a message that was refused and came all the same', () => {
    expect(broken(publish('a'), refuse('a'), connect(1), deliver('a'), ack('a'))).toEqual(['2 invented']);
  });

  test('a message in a queue that it was not sent to', () => {
    expect(broken(publish('a', { queues: [] }), confirm('a'), connect(1), deliver('a'), ack('a'))).toEqual(['2 invented']);
  });

  test('an altered body', () => {
    expect(broken(publish('a'), confirm('a'), connect(1), deliver('a', { hash: 'another' }), ack('a'))).toEqual(['3 altered']);
  });

  test('two messages with one id', () => {
    expect(broken(publish('a', { queues: [] }), publish('b', { queues: [] }), confirm('a', 'x'), confirm('b', 'x'))).toEqual([
      '4 duplicated',
    ]);
  });

  test('a retried message that was stored twice', () => {
    const history = [publish('a'), unanswered('a'), crash, publish('a'), confirm('a'), connect(1), deliver('a'), ack('a')];
    expect(broken(...history, deliver('a', { id: 'another' }))).toContain('4 duplicated');
  });

  test('a message that comes again after its ack was confirmed', () => {
    const history = [publish('a'), confirm('a'), connect(1), deliver('a'), ack('a'), close(1), crash];
    expect(broken(...history, connect(2), deliver('a', { connection: 2, attempt: 2 }))).toEqual(['5 duplicated']);
  });

  test('first deliveries in another order than the confirms', () => {
    const published = [publish('a'), publish('b'), confirm('a'), confirm('b'), connect(1)];
    expect(broken(...published, deliver('b'), deliver('a'), ack('a'), ack('b'))).toEqual(['6 reordered']);
  });

  test('a new message before one that was given back', () => {
    const published = [publish('a'), publish('b'), confirm('a'), confirm('b'), connect(1)];
    expect(broken(...published, deliver('a'), nack('a'), deliver('b'), deliver('a', { attempt: 2 }), ack('a'), ack('b'))).toEqual(
      ['6 reordered'],
    );
  });

  test('a newer message before one that comes back on a new connection', () => {
    const published = [publish('a'), publish('b'), confirm('a'), confirm('b'), connect(1), deliver('a'), close(1), connect(2)];
    const later = [deliver('b', { connection: 2 }), deliver('a', { connection: 2, attempt: 2 })];
    expect(broken(...published, ...later, ack('a', 'ok', 2), ack('b', 'ok', 2))).toEqual(['6 reordered']);
  });

  test('an attempt that does not rise, and after a crash a first attempt at what was delivered before', () => {
    const again = [deliver('a'), nack('a'), deliver('a', { attempt: 1 }), ack('a')];
    expect(broken(publish('a'), confirm('a'), connect(1), ...again)).toEqual(['7 miscounted']);
    const crashed = [deliver('a'), close(1), crash, connect(2), deliver('a', { connection: 2 }), ack('a', 'ok', 2)];
    expect(broken(publish('a'), confirm('a'), connect(1), ...crashed)).toEqual(['7 miscounted']);
  });

  test('a message in two hands', () => {
    const both = [connect(1), connect(2), deliver('a'), deliver('a', { connection: 2, attempt: 2 })];
    expect(broken(publish('a'), confirm('a'), ...both, ack('a', 'ok', 2))).toEqual(['8 duplicated']);
  });

  test('a message that comes before its delay is over', () => {
    const early = [deliver('a'), nack('a', 50), deliver('a', { attempt: 2, at: 30 }), ack('a')];
    expect(broken(publish('a'), confirm('a'), connect(1), ...early)).toEqual(['11 miscounted']);
  });

  test('more messages in one hand than its prefetch', () => {
    const published = [publish('a'), publish('b'), confirm('a'), confirm('b'), connect(1, 1)];
    expect(broken(...published, deliver('a'), deliver('b'), ack('a'), ack('b'))).toEqual(['12 miscounted']);
  });

  test('half of a batch', () => {
    const both = [publish('a', { batch: 'x' }), publish('b', { batch: 'x' }), unanswered('a'), unanswered('b')];
    expect(broken(...both, connect(1), deliver('a'), ack('a'))).toEqual(['13 torn']);
  });

  test('a message that came to one of its queues only', () => {
    const published = [publish('a', { queues: ['q', '@ben'] }), unanswered('a'), connect(1)];
    expect(broken(...published, deliver('a'), ack('a'))).toEqual(['13 torn']);
  });

  test('queues that do not drain', () => {
    expect(checkHistory([], new Set(), false).violations).toMatchObject([{ invariant: 15, kind: 'stuck' }]);
  });
});
