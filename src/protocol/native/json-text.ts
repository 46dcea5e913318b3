/**
 * Walks over JSON text in a string, as a client has it, to find where values end. It trusts the text to be JSON, since what it is
 * used on was checked by the broker or by `JSON.parse`; text that isn't makes it fail or stop early, never run on.
 */
import { FrameError } from './frame.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const COMMA = 0x2c;
const SPACE = 0x20;

/** The next character that is not white space; the text's length when there is none. */
export function skipSpace(text: string, at: number): number {
  let i = at;
  while (i < text.length && text.charCodeAt(i) <= SPACE) i++;
  return i;
}

/** Behind the value that begins at `at`. */
export function endOfValue(text: string, at: number): number {
  const first = text.charCodeAt(at);
  if (first === QUOTE) return endOfString(text, at);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return endOfContainer(text, at);
  let i = at;
  for (; i < text.length; i++) {
    const character = text.charCodeAt(i);
    if (character === COMMA || character === CLOSE_BRACE || character === CLOSE_BRACKET || character <= SPACE) break;
  }
  if (i === at) throw new FrameError('bad_frame', `not JSON: expected a value at character ${at}`);
  return i;
}

/** Behind the closing quote of the string that begins at `at`. */
export function endOfString(text: string, at: number): number {
  for (let quote = text.indexOf('"', at + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let before = quote - 1;
    while (text.charCodeAt(before) === BACKSLASH) before--;
    if ((quote - before) % 2 === 1) return quote + 1;
  }
  throw new FrameError('bad_frame', 'not JSON: a string without an end');
}

/** How deep arrays and objects are inside one another: 0 for a scalar. */
export function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text.charCodeAt(i);
    if (character === QUOTE) i = endOfString(text, i) - 1;
    else if (character === OPEN_BRACE || character === OPEN_BRACKET) deepest = Math.max(deepest, ++depth);
    else if (character === CLOSE_BRACE || character === CLOSE_BRACKET) depth--;
  }
  return deepest;
}

function endOfContainer(text: string, at: number): number {
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    const character = text.charCodeAt(i);
    if (character === QUOTE) i = endOfString(text, i) - 1;
    else if (character === OPEN_BRACE || character === OPEN_BRACKET) depth++;
    else if ((character === CLOSE_BRACE || character === CLOSE_BRACKET) && --depth === 0) return i + 1;
  }
  throw new FrameError('bad_frame', 'not JSON: an object or array without an end');
}
