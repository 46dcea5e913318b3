/**
 * One WebSocket: bytes in, bytes out, when to stop reading, when to end. Knows nothing of what the bytes say; a session does.
 */
import type { Duplex } from 'node:stream';
import type { RawData } from 'ws';
import type { BrokerWebSocket } from './broker-web-socket.ts';
import type { OutboundBudget } from './outbox.ts';
import { Outbox } from './outbox.ts';

/** Why a connection's socket is not read at the moment. Each is a bit, so that all of them together are a number. */
export const PAUSE = {
  /** The session must finish something before its next frame. */
  order: 1,
  /** More publishes wait to become durable than should. */
  saturated: 2,
  /** The client does not take what it was sent. */
  outbound: 4,
  /** The broker shuts down. */
  draining: 8,
} as const;

export interface ConnectionHandler {
  received(bytes: Buffer, isBinary: boolean): void;
  /** There is room for deliveries again. */
  drained(): void;
  closed(code: number): void;
}

export interface ConnectionOptions {
  readonly socket: Duplex;
  readonly webSocket: BrokerWebSocket;
  readonly outboundBytesMax: number;
  readonly budget: OutboundBudget;
  readonly afterTurn: (task: () => void) => void;
}

/** How long a peer may take to answer a close frame, in ms. */
const CLOSE_TIMEOUT_MS = 2000;

export class Connection {
  readonly outbox: Outbox;
  readonly #webSocket: BrokerWebSocket;
  readonly #outboundBytesMax: number;
  #handler: ConnectionHandler | undefined;
  #pauses = 0;
  #closing = false;
  /** Something came since it was last asked. */
  #heard = true;

  constructor(options: ConnectionOptions) {
    this.#webSocket = options.webSocket;
    this.#outboundBytesMax = options.outboundBytesMax;
    this.outbox = new Outbox({
      socket: options.socket,
      bytesMax: options.outboundBytesMax,
      budget: options.budget,
      afterTurn: options.afterTurn,
      isOpen: () => options.webSocket.readyState === options.webSocket.OPEN,
      drained: () => this.#drained(),
    });
    const webSocket = options.webSocket;
    webSocket.beforeClose = () => this.outbox.flush();
    webSocket.on('message', (data: RawData, isBinary: boolean) => this.#received(data, isBinary));
    webSocket.on('pong', () => {
      this.#heard = true;
    });
    webSocket.on('close', (code: number) => {
      this.outbox.close();
      this.#handler?.closed(code);
    });
    // what is wrong is told by the close code that ws sends; the close event follows
    webSocket.on('error', () => undefined);
  }

  handle(handler: ConnectionHandler): void {
    this.#handler = handler;
  }

  /** Nothing more can be sent: this side or the other one has begun to close. */
  get isClosing(): boolean {
    return this.#closing || this.#webSocket.readyState !== this.#webSocket.OPEN;
  }

  text(bytes: string): void {
    this.outbox.text(bytes);
    this.#watchOutbound();
  }

  binary(bytes: string): void {
    this.outbox.binary(bytes);
    this.#watchOutbound();
  }

  pause(why: number): void {
    // a paused socket would never see the peer's answer to the close frame
    if (this.#closing) return;
    if (this.#pauses === 0) this.#webSocket.pause();
    this.#pauses |= why;
  }

  unpause(why: number): void {
    if (this.#pauses === 0) return;
    this.#pauses &= ~why;
    if (this.#pauses !== 0) return;
    // what it said meanwhile is only read from here on
    this.#heard = true;
    this.#webSocket.resume();
  }

  /** Sends what there is to send, then closes; a peer that does not answer is cut off. */
  close(code: number, reason: string): void {
    if (this.#closing) return;
    this.#closing = true;
    this.outbox.flush();
    this.outbox.close();
    this.#webSocket.close(code, reason);
    this.#webSocket.resume();
    const timer = setTimeout(() => this.#webSocket.terminate(), CLOSE_TIMEOUT_MS);
    this.#webSocket.once('close', () => clearTimeout(timer));
  }

  /** Closes without waiting for a peer that is not there any more. */
  abandon(code: number, reason: string): void {
    this.close(code, reason);
    this.#webSocket.terminate();
  }

  /**
   * Asks the peer for a sign of life; false when it gave none since the last time. One whose socket is not read can't be heard, so
   * it is not asked, but gets one itself (RFC 6455, section 5.5.3): its answers would wait behind what it has to send, and `ws`
   * gives up a connection on which 60 of them do.
   */
  isAlive(): boolean {
    const webSocket = this.#webSocket;
    const isOpen = webSocket.readyState === webSocket.OPEN;
    if (this.#pauses !== 0) {
      this.#heard = true;
      if (isOpen) webSocket.pong();
      return true;
    }
    if (!this.#heard) return false;
    this.#heard = false;
    if (isOpen) webSocket.ping();
    return true;
  }

  #received(data: RawData, isBinary: boolean): void {
    this.#heard = true;
    if (!this.#closing && Buffer.isBuffer(data)) this.#handler?.received(data, isBinary);
  }

  #watchOutbound(): void {
    if (this.outbox.bytes > 2 * this.#outboundBytesMax) {
      this.pause(PAUSE.outbound);
      void this.outbox.writable;
    }
  }

  #drained(): void {
    this.unpause(PAUSE.outbound);
    this.#handler?.drained();
  }
}
