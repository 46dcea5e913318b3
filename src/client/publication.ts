/** From what `publish` is given to the message on the wire. */
import type { PublishMessage } from '../protocol/native/frame.ts';
import { type Body, type EncodedBody, encodeBody } from './body.ts';
import { HoldfastError } from './holdfast-error.ts';

/** A queue (`@name` for a client's inbox); all queues bound to a topic; or those bound to any of several, each once. */
export type PublishTarget =
  | { readonly queue: string; readonly topic?: never; readonly topics?: never }
  | { readonly topic: string; readonly queue?: never; readonly topics?: never }
  | { readonly topics: readonly string[]; readonly queue?: never; readonly topic?: never };

export interface PublishOptions {
  /** A UUID. Publishing the same id again within the broker's deduplication window stores nothing. Default: a new one, version 7. */
  readonly id?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Deliver it this much later, in ms. */
  readonly delay?: number;
  /** The queue that an answer should go to, such as `client.inbox`. */
  readonly replyTo?: string;
  /** Given back by whoever answers, so that the answer is known. */
  readonly correlation?: string;
  /** Leave out the publisher's own inbox. Only where topics are published to. */
  readonly exceptSelf?: boolean;
}

export type Publication = PublishTarget & PublishOptions & { readonly body: Body };

export interface Published {
  readonly id: string;
  /** How many queues it reached. */
  readonly queues: number;
  /** The broker had it already, from an earlier call or from an attempt whose answer was lost. */
  readonly duplicate: boolean;
}

export interface PublishedMany {
  /** In the order of the messages. */
  readonly ids: readonly string[];
  /** Those that the broker had already. */
  readonly duplicates: readonly string[];
}

export interface EncodedPublication {
  readonly message: PublishMessage;
  readonly body: EncodedBody;
}

/** @throws {HoldfastError} `bad_field` or `too_large` for what can be told without the broker. */
export function encodePublication(
  target: PublishTarget,
  body: Body,
  options: PublishOptions,
  id: string,
  depthMax: number,
): EncodedPublication {
  const { queue, topic, topics = topic === undefined ? undefined : [topic] } = target;
  const encoded = encodeBody(body, depthMax);
  const message = {
    queue,
    topics,
    body: encoded.text ?? '',
    binary: encoded.bytes !== undefined,
    id: options.id ?? id,
    headers: options.headers === undefined ? undefined : headersText(options.headers),
    delayMs: options.delay ?? 0,
    replyTo: options.replyTo,
    correlation: options.correlation === undefined ? undefined : JSON.stringify(options.correlation),
    exceptSelf: options.exceptSelf ?? false,
  };
  return { message, body: encoded };
}

function headersText(headers: Readonly<Record<string, string>>): string {
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== 'string')
      throw new HoldfastError('bad_field', `header ${name} must be a string, and is ${typeof value}`);
  }
  return JSON.stringify(headers);
}
