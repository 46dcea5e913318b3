/**
 * The frames of the native protocol, version 1, as data. Shared by the broker and the SDK.
 *
 * `Carried` text goes through the broker as it came: the JSON text of a body or of headers is never parsed into values and never
 * written anew. On the broker's side it is a string of bytes (one character a byte), on a client's side a string of characters;
 * the codec treats both alike, since all that JSON's grammar knows is ASCII.
 */

export const SUBPROTOCOL = 'holdfast.v1';

export type Carried = string;

/** One message to publish. Exactly one of `queue` and `topics` is set; the wire's `topic` is a list of one here. */
export interface PublishMessage {
  readonly queue: string | undefined;
  readonly topics: readonly string[] | undefined;
  /** JSON text, or bytes when `binary` is set. */
  readonly body: Carried;
  readonly binary: boolean;
  /** A UUID in lower case. */
  readonly id: string | undefined;
  /** JSON text of an object. */
  readonly headers: Carried | undefined;
  readonly delayMs: number;
  readonly replyTo: string | undefined;
  /** JSON text of a string. */
  readonly correlation: Carried | undefined;
  readonly exceptSelf: boolean;
}

/** Where a subscription takes its messages from: a queue, a topic through the client's inbox, or with neither the inbox itself. */
export interface SubscriptionTarget {
  readonly queue: string | undefined;
  readonly topic: string | undefined;
}

interface Base {
  /** JSON text of a string or an integer, given back as it came. */
  readonly ref: Carried | undefined;
}

export interface HelloFrame extends Base {
  readonly type: 'hello';
  readonly client: string | undefined;
  readonly token: string | undefined;
  readonly graceMs: number;
  readonly arrays: boolean;
}
export interface PublishFrame extends Base {
  readonly type: 'publish';
  readonly messages: readonly PublishMessage[];
  /** The frame had `messages`, so its reply has `ids`. */
  readonly batch: boolean;
}
export interface SubscribeFrame extends Base, SubscriptionTarget {
  readonly type: 'subscribe';
  readonly prefetch: number;
  readonly autoAck: boolean;
}
export interface UnsubscribeFrame extends Base, SubscriptionTarget {
  readonly type: 'unsubscribe';
}
export interface AckFrame extends Base {
  readonly type: 'ack';
  readonly ids: readonly string[];
  readonly queue: string | undefined;
}
export interface NackFrame extends Base {
  readonly type: 'nack';
  readonly ids: readonly string[];
  readonly queue: string | undefined;
  /** Absent: the queue's own backoff. */
  readonly delayMs: number | undefined;
}
export interface ExtendFrame extends Base {
  readonly type: 'extend';
  readonly ids: readonly string[];
  readonly queue: string | undefined;
  readonly ms: number;
}
export interface DeclareFrame extends Base {
  readonly type: 'declare';
  readonly queue: string;
  /** Absent settings stay as they are. */
  readonly leaseMs: number | undefined;
  readonly backoffMs: readonly number[] | undefined;
}
interface Binding {
  readonly queue: string;
  /** A filter. */
  readonly topic: string;
}
export interface BindFrame extends Base, Binding {
  readonly type: 'bind';
}
export interface UnbindFrame extends Base, Binding {
  readonly type: 'unbind';
}
export interface PingFrame extends Base {
  readonly type: 'ping';
}

export type ClientFrame =
  | HelloFrame
  | PublishFrame
  | SubscribeFrame
  | UnsubscribeFrame
  | AckFrame
  | NackFrame
  | ExtendFrame
  | DeclareFrame
  | BindFrame
  | UnbindFrame
  | PingFrame;
export type ClientFrameType = ClientFrame['type'];

/** Codes of what is wrong with a frame itself. All other codes are the broker's. */
export type FrameErrorCode = 'bad_frame' | 'unknown_type' | 'bad_field' | 'unsupported' | 'too_large';

/** A frame that can't be taken. `ref` is the frame's own, as far as it could be read. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
  readonly code: FrameErrorCode;
  ref: Carried | undefined;
  constructor(code: FrameErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
