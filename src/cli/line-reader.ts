/** Cuts a stream of bytes into lines of text, whole and unchanged. */
import { CliError } from './cli-error.ts';

/** More than any broker takes in one frame. */
const LINE_BYTES_MAX = 64 * 1024 * 1024;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

export interface Line {
  /** From 1. */
  readonly number: number;
  /** Without its end. */
  readonly text: string;
  /** How many bytes of the stream it took, its end included. */
  readonly bytes: number;
}

/** @throws {CliError} for a line that is not UTF-8, or too long. */
export async function* readLines(stream: AsyncIterable<Buffer>): AsyncGenerator<Line, void> {
  let parts: Buffer[] = [];
  let partsBytes = 0;
  let number = 0;
  for await (const chunk of stream) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      yield lineOf([...parts, chunk.subarray(start, end)], ++number, 1);
      parts = [];
      partsBytes = 0;
      start = end + 1;
    }
    if (start === chunk.length) continue;
    parts.push(chunk.subarray(start));
    partsBytes += chunk.length - start;
    if (partsBytes > LINE_BYTES_MAX) throw new CliError(`line ${number + 1}: longer than ${LINE_BYTES_MAX} bytes`);
  }
  if (parts.length > 0) yield lineOf(parts, number + 1, 0);
}

function lineOf(parts: readonly Buffer[], number: number, endBytes: number): Line {
  const whole = Buffer.concat(parts);
  const bytes = whole.length + endBytes;
  const content = whole.at(-1) === RETURN ? whole.subarray(0, -1) : whole;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
    // a mark that some editors put before the first line; JSON does not have it
    return { number, text: number === 1 && text.startsWith('\ufeff') ? text.slice(1) : text, bytes };
  } catch (error) {
    throw new CliError(`line ${number}: not UTF-8`, undefined, { cause: error });
  }
}
