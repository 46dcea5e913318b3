/**
 * RESP, which Valkey and Redis speak, version 2: commands out, answers in. One byte a character, so only Latin-1 texts come back as
 * they went.
 */

/** What a server answered: a line or a text, a number, nothing, several of them, or that it refused. */
export type Answer = string | number | null | Refusal | readonly Answer[];

export class Refusal {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

export function commandText(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
}

/** Puts together what comes in pieces. */
export class AnswerReader {
  #rest = '';

  /** The answers that are complete with this piece. @throws if it is not RESP */
  read(piece: string): readonly Answer[] {
    const text = this.#rest + piece;
    const answers: Answer[] = [];
    let at = 0;
    for (let found = answerAt(text, at); found !== undefined; found = answerAt(text, at)) {
      answers.push(found.answer);
      at = found.end;
    }
    this.#rest = text.slice(at);
    return answers;
  }
}

interface Found {
  readonly answer: Answer;
  readonly end: number;
}

/** Undefined if it is not complete. */
function answerAt(text: string, at: number): Found | undefined {
  const lineEnd = text.indexOf('\r\n', at);
  if (lineEnd < 0) return undefined;
  const line = text.slice(at + 1, lineEnd);
  const end = lineEnd + 2;
  switch (text.charAt(at)) {
    case '+':
      return { answer: line, end };
    case '-':
      return { answer: new Refusal(line), end };
    case ':':
      return { answer: Number(line), end };
    case '$':
      return textAt(text, end, Number(line));
    case '*':
      return severalAt(text, end, Number(line));
    default:
      throw new Error(`not an answer in RESP: ${text.slice(at, lineEnd)}`);
  }
}

function textAt(text: string, at: number, length: number): Found | undefined {
  if (length < 0) return { answer: null, end: at };
  const end = at + length + 2;
  return end > text.length ? undefined : { answer: text.slice(at, at + length), end };
}

function severalAt(text: string, from: number, count: number): Found | undefined {
  if (count < 0) return { answer: null, end: from };
  const answers: Answer[] = [];
  let at = from;
  while (answers.length < count) {
    const found = answerAt(text, at);
    if (found === undefined) return undefined;
    answers.push(found.answer);
    at = found.end;
  }
  return { answer: answers, end: at };
}
