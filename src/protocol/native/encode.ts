/**
 * What the broker sends, from values to text. Names, ids and codes are plain ASCII and go in as they are; whatever else is text
 * is written with escapes for all that isn't ASCII, so that a frame is the same whether it is read as bytes or as characters.
 */
import type { Carried } from './frame.ts';

/** One delivery of one message. */
export interface MessageFrame {
  readonly queue: string;
  readonly id: string;
  readonly attempt: number;
  /** ms since 1970. */
  readonly time: number;
  readonly topic: string | undefined;
  readonly from: string | undefined;
  readonly headers: Carried | undefined;
  readonly replyTo: string | undefined;
  readonly correlation: Carried | undefined;
  readonly body: Carried;
  readonly binary: boolean;
}

/** JSON text in ASCII alone. */
function ascii(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** A frame with some members already written as JSON text, each with a comma before it. */
export function encodeOk(ref: Carried, members: string): string {
  return `{"type":"ok","ref":${ref}${members}}`;
}

export function encodeError(ref: Carried | undefined, code: string, message: string, retryable: boolean): string {
  const refMember = ref === undefined ? '' : `"ref":${ref},`;
  return `{"type":"error",${refMember}"code":"${code}","message":${ascii(message)},"retryable":${retryable}}`;
}

export function encodePong(ref: Carried | undefined): string {
  return ref === undefined ? '{"type":"pong"}' : `{"type":"pong","ref":${ref}}`;
}

export function encodeNotice(code: string, details: Readonly<Record<string, unknown>>): string {
  return ascii({ type: 'notice', code, ...details });
}

export interface WelcomeFrame {
  readonly client: string;
  readonly resumed: boolean;
  readonly inbox: { readonly queue: string; readonly waiting: number; readonly unacked: number };
  readonly lost: readonly { readonly queue: string; readonly count: number; readonly cause: string }[];
  readonly limits: Readonly<Record<string, number>>;
  readonly server: { readonly name: string; readonly version: string };
}

export function encodeWelcome(welcome: WelcomeFrame, ref: Carried | undefined): string {
  const text = ascii({ type: 'welcome', ...welcome });
  return ref === undefined ? text : `{"type":"welcome","ref":${ref},${text.slice('{"type":"welcome",'.length)}`;
}

/** A text frame, or for a body of bytes the content of a binary one. */
export function encodeMessage(message: MessageFrame): string {
  const { topic, from, headers, replyTo, correlation } = message;
  let text = `{"type":"message","queue":"${message.queue}","id":"${message.id}","attempt":${message.attempt},"time":${message.time}`;
  if (topic !== undefined) text += `,"topic":"${topic}"`;
  if (from !== undefined) text += `,"from":"${from}"`;
  if (headers !== undefined) text += `,"headers":${headers}`;
  if (replyTo !== undefined) text += `,"replyTo":"${replyTo}"`;
  if (correlation !== undefined) text += `,"correlation":${correlation}`;
  return message.binary ? `${text}}\n${message.body}` : `${text},"body":${message.body}}`;
}
