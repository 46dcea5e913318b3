/**
 * Frames that wait for their reply, by `ref`. Those that may be sent twice (publishes carry their own id, `declare` and `bind`
 * change nothing the second time) outlive a connection and go out again on the next one, in their order.
 */
import type { ErrorReceived, OkReceived } from '../protocol/native/decode-broker-frame.ts';
import { HoldfastError } from './holdfast-error.ts';

export type OutFrame = string | Uint8Array<ArrayBuffer>;
export type ReplyFields = Readonly<Record<string, unknown>>;

interface Pending {
  readonly frame: OutFrame;
  readonly repeat: boolean;
  readonly resolve: (fields: ReplyFields) => void;
  readonly reject: (error: HoldfastError) => void;
}

export class Requests {
  readonly #pending = new Map<number, Pending>();
  readonly #send: (frame: OutFrame) => boolean;
  readonly #settled: () => void;
  #nextRef = 1;
  #failed: HoldfastError | undefined;

  /** `send` drops the frame and returns false when there is no connection. `settled` is called when the last one has been answered. */
  constructor(send: (frame: OutFrame) => boolean, settled: () => void) {
    this.#send = send;
    this.#settled = settled;
  }

  get size(): number {
    return this.#pending.size;
  }

  newRef(): number {
    return this.#nextRef++;
  }

  send(ref: number, frame: OutFrame, repeat: boolean): Promise<ReplyFields> {
    if (this.#failed !== undefined) return Promise.reject(this.#failed);
    return new Promise((resolve, reject) => {
      if (this.#send(frame) || repeat) this.#pending.set(ref, { frame, repeat, resolve, reject });
      else reject(new HoldfastError('connection_lost', 'there is no connection at the moment', { retryable: true }));
    });
  }

  ok({ ref, fields }: OkReceived): void {
    this.#take(ref)?.resolve(fields);
    this.#afterReply();
  }

  /** Returns whether it was somebody's reply. */
  error({ ref, code, message, retryable }: ErrorReceived): boolean {
    const pending = ref === undefined ? undefined : this.#pending.get(ref);
    if (pending === undefined) return false;
    // the broker goes away and has not done it: as if no answer had come
    if (code === 'draining' && pending.repeat) return true;
    this.#take(ref)?.reject(new HoldfastError(code, message, { retryable }));
    this.#afterReply();
    return true;
  }

  /** The connection is gone: what can not be sent again is refused. */
  disconnected(): void {
    for (const [ref, pending] of this.#pending) {
      if (pending.repeat) continue;
      this.#pending.delete(ref);
      pending.reject(new HoldfastError('connection_lost', 'the connection ended before the answer came', { retryable: true }));
    }
    this.#afterReply();
  }

  /** There is a new connection. `refusal` says what it can not take. */
  repeat(refusal: (frame: OutFrame) => HoldfastError | undefined): void {
    for (const [ref, { frame, repeat, reject }] of this.#pending) {
      if (!repeat) continue;
      const error = refusal(frame);
      if (error === undefined) {
        this.#send(frame);
      } else {
        this.#pending.delete(ref);
        reject(error);
      }
    }
  }

  /** Refuses all, now and from now on. */
  fail(error: HoldfastError): void {
    this.#failed = error;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(error);
    this.#settled();
  }

  #take(ref: number | undefined): Pending | undefined {
    if (ref === undefined) return undefined;
    const pending = this.#pending.get(ref);
    this.#pending.delete(ref);
    return pending;
  }

  #afterReply(): void {
    if (this.#pending.size === 0) this.#settled();
  }
}
