/** A message as a line of output. */
import type { Message } from '../client/index.ts';

const NEWLINE = Uint8Array.of(0x0a);

/** The body alone, byte for byte as it was published. */
export function formatBody(message: Message): Uint8Array {
  return Buffer.concat([message.bytes, NEWLINE]);
}

/** All of it as one JSON object with the body as it was published; a body of bytes is `base64` instead of `body`. */
export function formatMessage(message: Message): Uint8Array {
  const { queue, id, attempt, time, topic, from, headers, replyTo, correlation } = message;
  const head = {
    queue,
    id,
    attempt,
    time,
    topic,
    from,
    headers: Object.keys(headers).length > 0 ? headers : undefined,
    replyTo,
    correlation,
  };
  const body = message.isBinary ? `"base64":"${Buffer.from(message.bytes).toString('base64')}"` : `"body":${message.text}`;
  return Buffer.from(`${JSON.stringify(head).slice(0, -1)},${body}}\n`);
}
