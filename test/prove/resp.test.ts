import { describe, expect, it } from 'vitest';
import { AnswerReader, commandText, Refusal } from '../../prove/peers/resp.ts';

/** As RESP's documents write them. */
const ANSWERS: readonly (readonly [text: string, answer: unknown])[] = [
  ['+OK\r\n', 'OK'],
  ['-ERR unknown command\r\n', new Refusal('ERR unknown command')],
  [':1000\r\n', 1000],
  ['$5\r\nhello\r\n', 'hello'],
  ['$0\r\n\r\n', ''],
  ['$6\r\na\r\n*1\n\r\n', 'a\r\n*1\n'],
  ['$-1\r\n', null],
  ['*-1\r\n', null],
  ['*0\r\n', []],
  ['*2\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$4\r\nbody\r\n$1\r\nx\r\n:2\r\n', [['1-1', ['body', 'x']], 2]],
];

describe('RESP', () => {
  it.each(ANSWERS)('%j is read', (text, answer) => {
    expect(new AnswerReader().read(text)).toEqual([answer]);
  });

  it('is read wherever it is cut, each answer once', () => {
    const all = ANSWERS.map(([text]) => text).join('');
    for (let cut = 0; cut <= all.length; cut++) {
      const reader = new AnswerReader();
      const read = [...reader.read(all.slice(0, cut)), ...reader.read(all.slice(cut))];
      expect(read, `cut at ${cut}`).toEqual(ANSWERS.map(([, answer]) => answer));
    }
  });

  it('is read a character at a time', () => {
    const reader = new AnswerReader();
    const all = ANSWERS.map(([text]) => text).join('');
    expect(all.split('').flatMap((character) => reader.read(character))).toHaveLength(ANSWERS.length);
  });

  it('is refused when it is something else', () => {
    expect(() => new AnswerReader().read('HTTP/1.1 400 Bad Request\r\n')).toThrow(
      'not an answer in RESP: HTTP/1.1 400 Bad Request',
    );
  });

  it('carries a command as texts with their lengths', () => {
    expect(commandText(['XADD', 'q', '*', 'body', ''])).toBe(
      '*5\r\n$4\r\nXADD\r\n$1\r\nq\r\n$1\r\n*\r\n$4\r\nbody\r\n$0\r\n\r\n',
    );
  });
});
