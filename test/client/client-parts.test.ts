import { describe, expect, test } from 'vitest';
import { Backoff } from '../../src/client/backoff.ts';
import { json } from '../../src/client/body.ts';
import { linkSettings } from '../../src/client/connect-options.ts';
import { MessageIds } from '../../src/client/message-id.ts';
import { Outbox } from '../../src/client/outbox.ts';
import { PublishWindow } from '../../src/client/publish-window.ts';
import { isUuid } from '../../src/protocol/native/names.ts';

describe('message ids', () => {
  test('are different UUIDs of version 7 that begin with the time', () => {
    const ids = new MessageIds();
    const made = Array.from({ length: 10_000 }, () => ids.next(0x0194a1b06a5e));
    expect(new Set(made).size).toBe(made.length);
    expect(made.every((id) => isUuid(id) && /^0194a1b0-6a5e-7...-[89ab]/.test(id))).toBe(true);
  });
});

describe('the publish window', () => {
  test('lets through what fits and the others later, in their order', () => {
    const window = new PublishWindow(2, 100);
    const admitted: number[] = [];
    const take = (name: number, messages: number, bytes: number): void =>
      window.take(
        messages,
        bytes,
        () => admitted.push(name),
        () => undefined,
      );
    take(1, 1, 10);
    take(2, 1, 10);
    take(3, 2, 10);
    take(4, 1, 10);
    expect(admitted).toEqual([1, 2]);
    window.give(1, 10);
    // 3 does not fit yet, and 4 may not overtake it
    expect(admitted).toEqual([1, 2]);
    window.give(1, 10);
    expect(admitted).toEqual([1, 2, 3]);
    window.give(2, 10);
    expect(admitted).toEqual([1, 2, 3, 4]);
  });

  test('lets what is larger than itself through alone', () => {
    const window = new PublishWindow(2, 100);
    const admitted: string[] = [];
    window.take(
      1,
      10,
      () => admitted.push('small'),
      () => undefined,
    );
    window.take(
      5,
      500,
      () => admitted.push('large'),
      () => undefined,
    );
    window.take(
      1,
      10,
      () => admitted.push('next'),
      () => undefined,
    );
    window.give(1, 10);
    expect(admitted).toEqual(['small', 'large']);
    window.give(5, 500);
    expect(admitted).toEqual(['small', 'large', 'next']);
  });

  test('refuses all who wait when the client ends', () => {
    const window = new PublishWindow(1, 100);
    const refused: unknown[] = [];
    window.take(
      1,
      1,
      () => undefined,
      () => undefined,
    );
    window.take(
      1,
      1,
      () => undefined,
      (error) => refused.push(error),
    );
    const error = new Error('over');
    window.fail(error);
    expect(refused).toEqual([error]);
  });
});

describe('the outbox', () => {
  const written = (frames: readonly (string | Uint8Array<ArrayBuffer>)[], frameBytesMax = 1024 * 1024): unknown[] => {
    const all: unknown[] = [];
    const tasks: (() => void)[] = [];
    const outbox = new Outbox(
      (data) => all.push(data),
      (task) => tasks.push(task),
      frameBytesMax,
    );
    for (const frame of frames) outbox.push(frame);
    for (const task of tasks) task();
    return all;
  };

  test('sends one frame as it is and several as an array', () => {
    expect(written(['{"a":1}'])).toEqual(['{"a":1}']);
    expect(written(['{"a":1}', '{"a":2}'])).toEqual(['[{"a":1},{"a":2}]']);
  });

  test('keeps the order around binary frames', () => {
    const bytes = Uint8Array.of(1);
    expect(written(['1', '2', bytes, bytes, '3'])).toEqual(['[1,2]', bytes, bytes, '3']);
  });

  test('begins a new array after 1,000 frames, and before the broker would find it too large', () => {
    expect(written(Array.from({ length: 1001 }, () => '1'))).toHaveLength(2);
    const all = written(
      Array.from({ length: 10 }, () => '"日本日本日本日本"'),
      120,
    ) as string[];
    expect(all.length).toBeGreaterThan(1);
    expect(all.every((text) => Buffer.byteLength(text) <= 120)).toBe(true);
  });
});

describe('waiting before the next attempt', () => {
  test('takes twice as long each time, up to a limit, at least half of it', () => {
    const longest = new Backoff(100, 1000, () => 1);
    expect([1, 2, 3, 4, 5, 6].map(() => longest.nextMs())).toEqual([100, 200, 400, 800, 1000, 1000]);
    const shortest = new Backoff(100, 1000, () => 0);
    expect([1, 2].map(() => shortest.nextMs())).toEqual([50, 100]);
    longest.reset();
    expect(longest.nextMs()).toBe(100);
  });
});

describe('what connect is given', () => {
  test('may name the namespace in the address or beside it', () => {
    expect(linkSettings('ws://h:1', { namespace: 'shop' }).url).toBe('ws://h:1/shop');
    expect(linkSettings('http://h:1/shop', { namespace: 'shop' }).url).toBe('ws://h:1/shop');
    expect(() => linkSettings('ws://h:1/shop', { namespace: 'other' })).toThrow(/names the namespace shop/);
  });

  test.each(['', 'orders', 'ftp://h', 'ws://'])('is refused when the address is %j', (url) => {
    expect(() => linkSettings(url, {})).toThrow(/the address must be such as/);
  });

  test('is refused when the name can not be one', () => {
    expect(() => linkSettings('ws://h', { client: 'a b' })).toThrow(/client must be/);
  });
});

describe('JSON text to be carried', () => {
  test.each(['', '{', '1,2', '{"a":1}}', "{'a':1}", '"\ud800"'])('is refused when it is not JSON in Unicode: %j', (text) => {
    expect(() => json(text)).toThrow(expect.objectContaining({ code: 'bad_field' }) as Error);
  });
});
