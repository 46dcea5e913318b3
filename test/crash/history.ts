/**
 * What clients saw, in the order in which they saw it: the only thing that the checker is given. Broker and disk are not asked.
 *
 * A message is known by its `key`, which its body holds, since a publisher that got no answer never learns the id.
 */

/** `ok`: confirmed. `fail`: refused. `info`: no answer came, so nobody knows. */
export type Outcome = 'ok' | 'fail' | 'info';

export interface Publish {
  readonly kind: 'publish';
  readonly publisher: string;
  readonly key: string;
  /** Every queue that it must reach. */
  readonly queues: readonly string[];
  /** Of body and headers, as text. */
  readonly hash: string;
  /** Set when the publisher gave it. */
  readonly id?: string;
  /** Messages of one frame, all or none. */
  readonly batch?: string;
}
export interface Published {
  readonly kind: 'published';
  readonly key: string;
  readonly outcome: Outcome;
  readonly id?: string;
}
export interface Connect {
  readonly kind: 'connect';
  readonly connection: number;
}
/** From here on the connection holds nothing. */
export interface Close {
  readonly kind: 'close';
  readonly connection: number;
}
export interface Subscribe {
  readonly kind: 'subscribe';
  readonly connection: number;
  readonly queue: string;
  readonly prefetch: number;
}
export interface Delivered {
  readonly kind: 'delivery';
  readonly connection: number;
  readonly queue: string;
  readonly id: string;
  readonly attempt: number;
  readonly key: string;
  readonly hash: string;
  /** When it was seen, in ms. */
  readonly at: number;
}
/** An ack, or a nack, was sent. */
export interface Settle {
  readonly kind: 'ack' | 'nack';
  readonly connection: number;
  readonly queue: string;
  readonly id: string;
  /** Of a nack, in ms. */
  readonly delay?: number;
  readonly at: number;
}
export interface Settled {
  readonly kind: 'acked' | 'nacked';
  readonly connection: number;
  readonly queue: string;
  readonly id: string;
  readonly outcome: Outcome;
}
/** The broker was killed, and all that it had sent was seen. */
export interface Crash {
  readonly kind: 'crash';
}

export type HistoryEvent = Publish | Published | Connect | Close | Subscribe | Delivered | Settle | Settled | Crash;
export type History = readonly HistoryEvent[];
