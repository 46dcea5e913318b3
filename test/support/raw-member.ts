/**
 * Cuts the text of a member out of the text of a JSON object, as it was written: `JSON.parse` would round its integers, drop its
 * duplicate keys and forget its escapes. Written apart from the broker's own codec, so that one can't hide the other's mistakes.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The text of the member; undefined when there is none. The last one counts, as with `JSON.parse`. */
export function rawMember(object: string, name: string): string | undefined {
  const key = JSON.stringify(name);
  let found: string | undefined;
  let depth = 0;
  let at = 0;
  while (at < object.length) {
    const code = object.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfString(object, at);
      if (depth === 1 && object[end] === ':' && object.slice(at, end) === key) {
        const valueEnd = endOfValue(object, end + 1);
        found = object.slice(end + 1, valueEnd);
        at = valueEnd;
        continue;
      }
      at = end;
      continue;
    }
    depth += nesting(code);
    at++;
  }
  return found;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at + 1;
}

/** Just behind a value: at the comma or the bracket that follows it. */
function endOfValue(text: string, start: number): number {
  let depth = 0;
  let at = start;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at);
      continue;
    }
    if (depth === 0 && (code === 0x2c || code === 0x7d || code === 0x5d)) return at;
    depth += nesting(code);
    at++;
  }
  return at;
}

function nesting(code: number): number {
  if (code === 0x7b || code === 0x5b) return 1;
  return code === 0x7d || code === 0x5d ? -1 : 0;
}
