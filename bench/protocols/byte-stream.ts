/**
 * For protocols that are a stream of bytes and take WebSocket messages as mere pieces of it (NATS, MQTT, STOMP at RabbitMQ): what
 * a turn sends leaves as one message, and what comes is put together again where the server has cut it.
 */
import { RawSocket } from '../lib/raw-socket.ts';

/** Grows with what a turn sends, so that thousands of connections with little to say cost little. */
const BYTES_MIN = 512;
/** Of one WebSocket message, unless a single frame is longer: servers limit it. */
const BYTES_MAX = 64 * 1024;

export interface ByteStreamOptions {
  readonly port: number;
  readonly path: string;
  readonly protocol?: string;
}

export interface ByteStreamEvents {
  /** Takes all that is complete and returns how many bytes that were. The rest comes again, with more. */
  readonly received: (data: Buffer) => number;
  /** What is sent during the call leaves after it. */
  readonly turnEnded: () => void;
}

export class ByteStream {
  readonly #events: ByteStreamEvents;
  #socket: RawSocket | undefined;
  #rest: Buffer | undefined;
  /** What has been sent in this turn: the first `#length` bytes. */
  #out: Buffer = Buffer.allocUnsafe(BYTES_MIN);
  #length = 0;

  constructor(events: ByteStreamEvents) {
    this.#events = events;
  }

  async open(options: ByteStreamOptions): Promise<void> {
    this.#socket = await RawSocket.connect({
      ...options,
      received: (payload) => this.#received(payload),
      turnEnded: () => {
        this.#events.turnEnded();
        this.#endMessage();
      },
    });
  }

  /** One byte a character. */
  sendText(text: string): void {
    const at = this.reserve(text.length);
    this.#out.latin1Write(text, at);
  }

  send(bytes: Buffer): void {
    const at = this.reserve(bytes.length);
    bytes.copy(this.#out, at);
  }

  /** Returns where in `reserved` the caller is to write so many bytes, before anything else is sent. */
  reserve(length: number): number {
    if (this.#length + length > this.#out.length) this.#makeRoom(length);
    const at = this.#length;
    this.#length += length;
    return at;
  }

  /** Another one after each `reserve`. */
  get reserved(): Buffer {
    return this.#out;
  }

  flush(): void {
    this.#endMessage();
    this.#socket?.flush();
  }

  close(): void {
    this.#socket?.close();
  }

  #received(payload: Buffer): void {
    const data = this.#rest === undefined ? payload : Buffer.concat([this.#rest, payload]);
    const taken = this.#events.received(data);
    this.#rest = taken < data.length ? Buffer.from(data.subarray(taken)) : undefined;
  }

  #endMessage(): void {
    if (this.#length === 0 || this.#socket === undefined) return;
    this.#socket.sendBinary(this.#out.subarray(0, this.#length));
    this.#length = 0;
  }

  #makeRoom(length: number): void {
    if (this.#length + length > BYTES_MAX) this.#endMessage();
    if (this.#length + length <= this.#out.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#out.length, this.#length + length));
    this.#out.copy(larger, 0, 0, this.#length);
    this.#out = larger;
  }
}
