/** Bodies: any JSON value, JSON text carried as it is, or bytes; and what they become on the wire. */
import { depthOf } from '../protocol/native/json-text.ts';
import { HoldfastError } from './holdfast-error.ts';

/** JSON text that is sent exactly as it is. Made by `json()`. */
export class JsonText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/**
 * Carries JSON text byte for byte: integers beyond 2^53, key order, duplicate keys and escapes reach the consumer as written.
 * @throws {HoldfastError} `bad_field` when the text is not JSON.
 */
export function json(text: string): JsonText {
  try {
    JSON.parse(text);
  } catch (error) {
    throw new HoldfastError('bad_field', `the body is not JSON: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  if (!text.isWellFormed()) throw new HoldfastError('bad_field', 'the body has half of a surrogate pair, which has no UTF-8');
  return new JsonText(text);
}

/** Any JSON value; `json('…')` for text to be carried as it is; a `Uint8Array` for bytes. */
export type Body = JsonText | Uint8Array | string | number | boolean | null | object;

export type EncodedBody =
  | { readonly text: string; readonly bytes?: never }
  | { readonly bytes: Uint8Array; readonly text?: never };

/** @throws {HoldfastError} `bad_field` when it is nothing that JSON has, `too_large` when nested deeper than the broker takes. */
export function encodeBody(body: Body, depthMax: number): EncodedBody {
  if (body instanceof Uint8Array) return { bytes: body };
  const text = body instanceof JsonText ? body.text : stringify(body);
  // checked here, since the broker can only refuse the whole WebSocket message for it
  if (depthOf(text) > depthMax)
    throw new HoldfastError('too_large', `the body is nested deeper than ${depthMax} levels, the broker's limit depth-max`);
  return { text };
}

function stringify(body: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(body);
  } catch (error) {
    throw new HoldfastError('bad_field', `the body can not be written as JSON: ${String(error)}`, { cause: error });
  }
  if (text === undefined)
    throw new HoldfastError('bad_field', `the body must be a JSON value, json(text) or a Uint8Array, and is ${typeof body}`);
  return text;
}
