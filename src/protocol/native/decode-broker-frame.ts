/**
 * What the broker sends, from text or bytes to frames, as a client needs them: small fields are parsed, the text of a body is cut
 * out as it came and parsed by whoever wants it. Frames of a type that is not known here are left out, so that a newer broker may
 * send them. Pure. Throws a `FrameError` when what came is no frame at all.
 */
import { FrameError } from './frame.ts';
import { endOfString, endOfValue, skipSpace } from './json-text.ts';

/** `ref` is the one that the client gave; this decoder's client only gives integers. */
interface Referring {
  readonly ref: number | undefined;
}
export interface WelcomeReceived extends Referring {
  readonly type: 'welcome';
  readonly client: string;
  /** The client was here before: its inbox existed. */
  readonly resumed: boolean;
  readonly inbox: { readonly queue: string; readonly waiting: number; readonly unacked: number };
  readonly lost: readonly { readonly queue: string; readonly count: number; readonly cause: string }[];
  readonly limits: Readonly<Record<string, number>>;
  readonly server: { readonly name: string; readonly version: string };
}
export interface OkReceived extends Referring {
  readonly type: 'ok';
  /** Everything that it carries, by the names of the wire. */
  readonly fields: Readonly<Record<string, unknown>>;
}
export interface ErrorReceived extends Referring {
  readonly type: 'error';
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}
export interface MessageReceived {
  readonly type: 'message';
  readonly queue: string;
  readonly id: string;
  readonly attempt: number;
  /** ms since 1970. */
  readonly time: number;
  readonly topic: string | undefined;
  readonly from: string | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly replyTo: string | undefined;
  readonly correlation: string | undefined;
  /** The JSON text as the publisher wrote it, or the bytes of a binary frame. */
  readonly body: string | Uint8Array;
}
export interface NoticeReceived {
  readonly type: 'notice';
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;
}
export interface PongReceived extends Referring {
  readonly type: 'pong';
}
export type BrokerFrame = WelcomeReceived | OkReceived | ErrorReceived | MessageReceived | NoticeReceived | PongReceived;

type Fields = Readonly<Record<string, unknown>>;

const NEWLINE = 0x0a;

/** A text frame: one object, or an array of them. */
export function decodeBrokerText(text: string): readonly BrokerFrame[] {
  const frames: BrokerFrame[] = [];
  let at = skipSpace(text, 0);
  if (text[at] !== '[') {
    decodeObject(text, at, frames);
    return frames;
  }
  at = skipSpace(text, at + 1);
  while (at < text.length && text[at] !== ']') {
    at = skipSpace(text, decodeObject(text, at, frames));
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return frames;
}

/** A binary frame: a line of JSON without `body`, a newline, and the body. */
export function decodeBrokerBytes(bytes: Uint8Array): readonly BrokerFrame[] {
  const line = bytes.indexOf(NEWLINE);
  if (line < 0) throw new FrameError('bad_frame', 'a binary frame without a newline');
  const frame = frameOf(parse(new TextDecoder().decode(bytes.subarray(0, line))), bytes.subarray(line + 1));
  return frame === undefined ? [] : [frame];
}

/** Takes the object at `at`; returns where it ends. */
function decodeObject(text: string, at: number, frames: BrokerFrame[]): number {
  if (text[at] !== '{') throw new FrameError('bad_frame', `expected an object at character ${at}`);
  let bodyStart = -1;
  let bodyEnd = -1;
  let i = skipSpace(text, at + 1);
  while (i < text.length && text[i] !== '}') {
    const keyEnd = endOfString(text, i);
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const end = endOfValue(text, start);
    if (keyEnd - i === 6 && text.startsWith('"body"', i)) {
      bodyStart = start;
      bodyEnd = end;
    }
    i = skipSpace(text, end);
    if (text[i] === ',') i = skipSpace(text, i + 1);
  }
  const end = i + 1;
  const bare = bodyStart < 0 ? text.slice(at, end) : `${text.slice(at, bodyStart)}null${text.slice(bodyEnd, end)}`;
  const frame = frameOf(parse(bare), bodyStart < 0 ? undefined : text.slice(bodyStart, bodyEnd));
  if (frame !== undefined) frames.push(frame);
  return end;
}

function parse(text: string): Fields {
  try {
    return JSON.parse(text) as Fields;
  } catch (error) {
    throw new FrameError('bad_frame', `not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function frameOf(fields: Fields, body: string | Uint8Array | undefined): BrokerFrame | undefined {
  const ref = typeof fields['ref'] === 'number' ? fields['ref'] : undefined;
  switch (fields['type']) {
    case 'ok':
      return { type: 'ok', ref, fields };
    case 'message':
      return messageOf(fields, body);
    case 'error':
      return {
        type: 'error',
        ref,
        code: word(fields, 'code'),
        message: word(fields, 'message'),
        retryable: fields['retryable'] === true,
      };
    case 'welcome':
      return { ...(fields as unknown as WelcomeReceived), ref };
    case 'notice': {
      const { type: _type, code: _code, ...details } = fields;
      return { type: 'notice', code: word(fields, 'code'), details };
    }
    case 'pong':
      return { type: 'pong', ref };
    default:
      return undefined;
  }
}

function messageOf(fields: Fields, body: string | Uint8Array | undefined): MessageReceived {
  if (body === undefined) throw new FrameError('bad_frame', 'a message without a body');
  return {
    type: 'message',
    queue: word(fields, 'queue'),
    id: word(fields, 'id'),
    attempt: Number(fields['attempt']),
    time: Number(fields['time']),
    topic: optionalWord(fields, 'topic'),
    from: optionalWord(fields, 'from'),
    headers: fields['headers'] as Readonly<Record<string, string>> | undefined,
    replyTo: optionalWord(fields, 'replyTo'),
    correlation: optionalWord(fields, 'correlation'),
    body,
  };
}

function word(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string') throw new FrameError('bad_frame', `${String(fields['type'])} without ${name}`);
  return value;
}

function optionalWord(fields: Fields, name: string): string | undefined {
  return fields[name] === undefined ? undefined : word(fields, name);
}
