/**
 * What a client sends, from frames to text: the counterpart of decode.ts. Whatever is undefined, empty or the default is left
 * out. Bodies, headers and correlations are `Carried` and go in as they are.
 */
import type {
  Carried,
  ClientFrame,
  DeclareFrame,
  HelloFrame,
  NackFrame,
  PublishFrame,
  PublishMessage,
  SubscribeFrame,
} from './frame.ts';

/** A text frame; for a publish of bytes, the line of JSON of a binary one, which `encodeBinary` puts before its body. */
export function encodeClientFrame(frame: ClientFrame): string {
  const { type, ref } = frame;
  return `{"type":"${type}"${ref === undefined ? '' : `,"ref":${ref}`}${membersOf(frame)}}`;
}

/** A binary frame: a line of JSON, a newline, and the body. */
export function encodeBinary(line: string, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = new TextEncoder().encode(`${line}\n`);
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return bytes;
}

function membersOf(frame: ClientFrame): string {
  switch (frame.type) {
    case 'publish':
      return publishMembers(frame);
    case 'ack':
      return idMembers(frame.ids) + text('queue', frame.queue);
    case 'nack':
      return nackMembers(frame);
    case 'extend':
      return `${idMembers(frame.ids)}${text('queue', frame.queue)},"ms":${frame.ms}`;
    case 'subscribe':
      return subscribeMembers(frame);
    case 'unsubscribe':
      return text('queue', frame.queue) + text('topic', frame.topic);
    case 'hello':
      return helloMembers(frame);
    case 'declare':
      return declareMembers(frame);
    case 'bind':
    case 'unbind':
      return text('queue', frame.queue) + text('topic', frame.topic);
    case 'ping':
      return '';
    default:
      return frame satisfies never;
  }
}

function publishMembers({ batch, messages }: PublishFrame): string {
  if (batch) return `,"messages":[${messages.map((message) => `{${messageMembers(message).slice(1)}}`).join(',')}]`;
  return messages[0] === undefined ? '' : messageMembers(messages[0]);
}

function messageMembers(message: PublishMessage): string {
  const { topics, body, binary, headers, delayMs, correlation } = message;
  let members = text('queue', message.queue);
  if (topics?.length === 1) members += text('topic', topics[0]);
  else if (topics !== undefined) members += `,"topics":${JSON.stringify(topics)}`;
  members += text('id', message.id) + carried('headers', headers);
  if (delayMs > 0) members += `,"delay":${delayMs}`;
  members += text('replyTo', message.replyTo) + carried('correlation', correlation);
  if (message.exceptSelf) members += ',"exceptSelf":true';
  return binary ? members : `${members},"body":${body}`;
}

function nackMembers({ ids, queue, delayMs }: NackFrame): string {
  return idMembers(ids) + text('queue', queue) + number('delay', delayMs);
}

function subscribeMembers({ queue, topic, prefetch, autoAck }: SubscribeFrame): string {
  return `${text('queue', queue)}${text('topic', topic)},"prefetch":${prefetch}${autoAck ? ',"autoAck":true' : ''}`;
}

function helloMembers({ client, token, graceMs, arrays }: HelloFrame): string {
  const grace = graceMs > 0 ? `,"grace":${graceMs}` : '';
  return `${text('client', client)}${text('token', token)}${grace}${arrays ? ',"arrays":true' : ''}`;
}

function declareMembers({ queue, leaseMs, backoffMs }: DeclareFrame): string {
  const backoff = backoffMs === undefined ? '' : `,"backoff":${JSON.stringify(backoffMs)}`;
  return text('queue', queue) + number('lease', leaseMs) + backoff;
}

function idMembers(ids: readonly string[]): string {
  return ids.length === 1 ? text('id', ids[0]) : `,"ids":${JSON.stringify(ids)}`;
}

function text(name: string, value: string | undefined): string {
  return value === undefined ? '' : `,"${name}":${JSON.stringify(value)}`;
}

function number(name: string, value: number | undefined): string {
  return value === undefined ? '' : `,"${name}":${value}`;
}

function carried(name: string, value: Carried | undefined): string {
  return value === undefined ? '' : `,"${name}":${value}`;
}
