/**
 * One WebSocket from its opening to its end: hello, welcome, frames both ways, and a look at whether the broker is still there.
 * Tells its owner each thing once and in order; after `ended` nothing more.
 */
import {
  type BrokerFrame,
  decodeBrokerBytes,
  decodeBrokerText,
  type ErrorReceived,
  type WelcomeReceived,
} from '../protocol/native/decode-broker-frame.ts';
import { encodeClientFrame } from '../protocol/native/encode-client-frame.ts';
import { DEFAULT_LIMITS } from '../protocol/native/limits.ts';
import type { LinkSettings } from './connect-options.ts';
import { HoldfastError } from './holdfast-error.ts';
import { Outbox } from './outbox.ts';
import type { OutFrame } from './requests.ts';

export interface ConnectionOwner {
  welcomed(welcome: WelcomeReceived): void;
  received(frame: Exclude<BrokerFrame, WelcomeReceived>): void;
  /** Coming back makes sense when the error is retryable. */
  ended(error: HoldfastError): void;
}

/** The ref of hello; requests count from 1. */
const HELLO_REF = 0;
const PING = '{"type":"ping"}';
const NORMAL_CLOSE = 1000;
/** Longest wait for the broker to answer our close, in ms: after that what it did not take is lost with the socket. */
const CLOSE_TIMEOUT_MS = 2000;

export class Connection {
  readonly #settings: LinkSettings;
  readonly #owner: ConnectionOwner;
  readonly #socket: WebSocket;
  readonly #afterTurn: (task: () => void) => void;
  #outbox: Outbox | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pinged = false;
  #heard = false;
  #ended = false;
  /** Why we close it ourselves. */
  #closing: HoldfastError | undefined;
  /** The last error that was no reply: it says why the connection ends. */
  #complaint: ErrorReceived | undefined;

  constructor(settings: LinkSettings, owner: ConnectionOwner, afterTurn: (task: () => void) => void) {
    this.#settings = settings;
    this.#owner = owner;
    this.#afterTurn = afterTurn;
    this.#socket = new WebSocket(settings.url, settings.protocol);
    this.#socket.binaryType = 'arraybuffer';
    this.#socket.addEventListener('open', () => this.#hello());
    this.#socket.addEventListener('message', ({ data }) => this.#received(data));
    this.#socket.addEventListener('close', ({ code, reason }) => this.#end(this.#closing ?? this.#errorOf(code, reason)));
    const { url, connectTimeoutMs } = settings;
    this.#timer = setTimeout(
      () =>
        this.abandon(
          new HoldfastError('unreachable', `no welcome from ${url} within ${connectTimeoutMs} ms`, { retryable: true }),
        ),
      connectTimeoutMs,
    );
  }

  /** Only after the welcome. */
  send(frame: OutFrame): void {
    if (!this.#ended) this.#outbox?.push(frame);
  }

  /** Sends what is left, and ends in good order. */
  close(error: HoldfastError): void {
    if (this.#ended) return;
    this.#outbox?.flush();
    this.#closing = error;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#end(error), CLOSE_TIMEOUT_MS);
    this.#socket.close(NORMAL_CLOSE);
  }

  /** Ends at once: the peer is not there any more, or not to be trusted. */
  abandon(error: HoldfastError): void {
    if (this.#ended) return;
    this.#end(error);
    this.#socket.close();
  }

  #hello(): void {
    if (this.#ended) return;
    const { client, token, graceMs } = this.#settings;
    this.#socket.send(encodeClientFrame({ type: 'hello', ref: String(HELLO_REF), client, token, graceMs, arrays: true }));
  }

  #received(data: unknown): void {
    if (this.#ended) return;
    this.#heard = true;
    let frames: readonly BrokerFrame[];
    try {
      frames = typeof data === 'string' ? decodeBrokerText(data) : decodeBrokerBytes(new Uint8Array(data as ArrayBuffer));
    } catch (error) {
      this.abandon(new HoldfastError('bad_frame', `the broker sent what is no frame: ${String(error)}`, { cause: error }));
      return;
    }
    for (const frame of frames) this.#handle(frame);
  }

  #handle(frame: BrokerFrame): void {
    if (this.#ended) return;
    if (frame.type === 'welcome') this.#welcomed(frame);
    else if (frame.type === 'error' && (frame.ref === undefined || frame.ref === HELLO_REF)) this.#complained(frame);
    else this.#owner.received(frame);
  }

  #welcomed(welcome: WelcomeReceived): void {
    const frameBytesMax = welcome.limits['frame'] ?? DEFAULT_LIMITS.frameBytesMax;
    this.#outbox = new Outbox((data) => this.#write(data), this.#afterTurn, frameBytesMax);
    clearTimeout(this.#timer);
    this.#watch();
    this.#owner.welcomed(welcome);
  }

  #write(data: OutFrame): void {
    // what is sent after the end is not lost: the requests that it belongs to know that they have no answer
    if (!this.#ended && this.#socket.readyState === WebSocket.OPEN) this.#socket.send(data);
  }

  /**
   * Hello was refused, or a frame as a whole: then it is not known what of ours was taken, and it would be refused again. The
   * broker closes the connection for most of these by itself; its close code comes too late to matter.
   */
  #complained(complaint: ErrorReceived): void {
    this.#complaint = complaint;
    const { code, message, retryable } = complaint;
    if (retryable) return;
    this.abandon(new HoldfastError(code, message));
  }

  #watch(): void {
    this.#timer = setTimeout(() => {
      if (!this.#heard && this.#pinged) {
        this.abandon(new HoldfastError('connection_lost', 'the broker has fallen silent', { retryable: true }));
        return;
      }
      this.#pinged = !this.#heard;
      this.#heard = false;
      if (this.#pinged) this.send(PING);
      this.#watch();
    }, this.#settings.heartbeatMs);
  }

  #end(error: HoldfastError): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#owner.ended(error);
  }

  #errorOf(closeCode: number, reason: string): HoldfastError {
    const said = this.#complaint?.message ?? reason;
    const why = said === '' ? '' : `: ${said}`;
    const fatal = FATAL.get(closeCode);
    if (fatal !== undefined) return new HoldfastError(fatal, `the broker closed the connection with ${closeCode}${why}`);
    if (closeCode >= 4100 && closeCode < 4200) {
      return new HoldfastError('closed', `the broker closed the connection for good with ${closeCode}${why}`);
    }
    if (this.#outbox === undefined) {
      const { url } = this.#settings;
      return new HoldfastError('unreachable', `cannot connect to ${url}: no broker there, or it refused the handshake${why}`, {
        retryable: true,
      });
    }
    return new HoldfastError('connection_lost', `the connection ended with ${closeCode}${why}`, { retryable: true });
  }
}

/** Close codes after which the same client must not come back unchanged. */
const FATAL: ReadonlyMap<number, string> = new Map([
  [1002, 'bad_frame'],
  [1003, 'bad_frame'],
  [1007, 'bad_frame'],
  [1009, 'too_large'],
  [4100, 'taken_over'],
  [4101, 'unauthenticated'],
  [4102, 'forbidden'],
  [4103, 'bad_frame'],
]);
