/** An engine's error says in our words which file is meant and what to do about it, and keeps what was behind it. */
import { expect, it } from 'vitest';
import { engineCodeOf, StoreError, storeErrorFrom } from '../../src/store/sqlite/store-error.ts';

const PATH = '/data/holdfast.db';
const engineError = (code: string, message: string): Error => Object.assign(new Error(message), { code });

it.each([
  ['SQLITE_NOTADB', 'not_ours', `${PATH} is not a Holdfast database: give another path, or move that file away`],
  ['SQLITE_CORRUPT', 'corrupt', `${PATH} is damaged (it says): run \`holdfast check\`, or restore a backup`],
  ['SQLITE_CORRUPT_INDEX', 'corrupt', `${PATH} is damaged (it says): run \`holdfast check\`, or restore a backup`],
  ['SQLITE_IOERR_FSYNC', 'failed', `${PATH} can't be used: it says (SQLITE_IOERR_FSYNC)`],
  ['ENOSPC', 'failed', `${PATH} can't be used: it says (ENOSPC)`],
])('%s is %s', (engineCode, code, message) => {
  const cause = engineError(engineCode, 'it says');
  const error = storeErrorFrom(cause, PATH);
  expect(error).toBeInstanceOf(StoreError);
  expect([error.name, error.code, error.message, error.cause]).toEqual(['StoreError', code, message, cause]);
});

it.each([
  [new Error('out of memory'), 'out of memory'],
  [Object.assign(new Error('odd'), { code: 14 }), 'odd'],
  ['thrown text', 'thrown text'],
])('what has no code of an engine: %s', (cause, text) => {
  expect(engineCodeOf(cause)).toBe('');
  expect(storeErrorFrom(cause, PATH)).toMatchObject({ code: 'failed', message: `${PATH} can't be used: ${text}`, cause });
});

it('an error of ours passes as it is', () => {
  const ours = new StoreError('locked', 'somebody has it');
  expect(storeErrorFrom(ours, PATH)).toBe(ours);
});
