/**
 * A WebSocket client that costs next to nothing, so that a benchmark measures the server: frames of one turn leave in one write,
 * and what comes in is cut into payloads without copies. It masks what it sends as browsers do, though always with one mask: a
 * server that looks for a mask of zeros would be spared a pass over every payload.
 */
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { createConnection, type Socket } from 'node:net';

interface BufferUtil {
  readonly unmask: (this: void, bytes: Buffer, mask: Buffer) => void;
}

/** Masking and unmasking are the same (RFC 6455, section 5.3). */
const { unmask: applyMask } = createRequire(import.meta.url)('bufferutil') as BufferUtil;
const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);
/** Below it a loop is faster than the call. */
const NATIVE_BYTES_MIN = 48;

/** A socket's buffer grows with what it has to send at a time, so that thousands of sockets with little to say cost little. */
const BUFFER_BYTES_MIN = 1024;
const BUFFER_BYTES_MAX = 256 * 1024;

const NOTHING = Buffer.alloc(0);

/** Opcodes of RFC 6455, section 5.2. */
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;

export interface RawSocketOptions {
  readonly port: number;
  readonly path: string;
  readonly protocol?: string;
  /** One payload. It is only valid during the call. */
  readonly received: (payload: Buffer) => void;
  /** All payloads of one read have been given. */
  readonly turnEnded?: () => void;
}

export class RawSocket {
  readonly #socket: Socket;
  readonly #options: RawSocketOptions;
  #bufferBytes = BUFFER_BYTES_MIN;
  #out: Buffer = NOTHING;
  #outLength = 0;
  #rest: Buffer | undefined;
  #open = false;
  #closing = false;

  static connect(options: RawSocketOptions): Promise<RawSocket> {
    return new Promise((resolve, reject) => {
      const socket = createConnection({ port: options.port, host: '127.0.0.1', noDelay: true });
      const raw = new RawSocket(socket, options);
      socket.once('error', reject);
      socket.once('close', () => {
        if (raw.#closing) return;
        const gone = new Error(`the server on port ${options.port} has ended the connection`);
        reject(gone);
        if (raw.#open) throw gone;
      });
      raw.#handshake(() => resolve(raw));
    });
  }

  private constructor(socket: Socket, options: RawSocketOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  /** Adds a text frame to what `flush` will write: one character a byte. */
  send(text: string): void {
    const at = this.#begin(TEXT, text.length);
    this.#end(at, this.#out.latin1Write(text, at));
  }

  /** The same for a binary frame. */
  sendBinary(bytes: Buffer): void {
    const at = this.#begin(BINARY, bytes.length);
    this.#end(at, bytes.copy(this.#out, at));
  }

  flush(): void {
    if (this.#outLength === 0) return;
    this.#socket.write(this.#out.subarray(0, this.#outLength));
    this.#out = NOTHING;
    this.#outLength = 0;
  }

  close(): void {
    this.#closing = true;
    this.#socket.destroy();
  }

  /** Writes a frame's header, with room behind it for the payload, and returns where that goes. */
  #begin(opcode: number, length: number): number {
    if (this.#outLength + length + 14 > this.#out.length) this.#makeRoom(length + 14);
    const out = this.#out;
    let at = this.#outLength;
    out[at++] = 0x80 | opcode;
    if (length < 126) out[at++] = 0x80 | length;
    else if (length < 65_536) {
      out[at++] = 0x80 | 126;
      at = out.writeUInt16BE(length, at);
    } else {
      out[at++] = 0x80 | 127;
      at = out.writeUInt32BE(0, at);
      at = out.writeUInt32BE(length, at);
    }
    return at + MASK.copy(out, at);
  }

  /** The payload that begins there is complete. */
  #end(at: number, length: number): void {
    const out = this.#out;
    const end = at + length;
    if (length >= NATIVE_BYTES_MIN) applyMask(out.subarray(at, end), MASK);
    else for (let i = at; i < end; i++) out[i] = (out[i] ?? 0) ^ (MASK[(i - at) & 3] ?? 0);
    this.#outLength = end;
  }

  #makeRoom(bytes: number): void {
    if (this.#outLength > 0) {
      this.flush();
      this.#bufferBytes = Math.min(4 * this.#bufferBytes, BUFFER_BYTES_MAX);
    }
    this.#out = Buffer.allocUnsafe(Math.max(bytes, this.#bufferBytes));
  }

  #handshake(opened: () => void): void {
    const { path, protocol, port } = this.#options;
    const protocolLine = protocol === undefined ? '' : `Sec-WebSocket-Protocol: ${protocol}\r\n`;
    this.#socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\n${protocolLine}\r\n`,
    );
    this.#socket.on('data', (chunk: Buffer) => {
      if (this.#open) return this.#read(chunk);
      const head = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) {
        this.#rest = head;
        return;
      }
      const status = head.latin1Slice(9, 12);
      if (status !== '101') throw new Error(`the server answered ${status}: ${head.latin1Slice(0, 300)}`);
      this.#open = true;
      this.#rest = undefined;
      opened();
      if (head.length > end + 4) this.#read(head.subarray(end + 4));
    });
  }

  #read(chunk: Buffer): void {
    const data = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (;;) {
      if (at + 2 > data.length) break;
      let length = (data[at + 1] ?? 0) & 0x7f;
      let start = at + 2;
      if (length === 126) {
        if (at + 4 > data.length) break;
        length = data.readUInt16BE(at + 2);
        start = at + 4;
      } else if (length === 127) {
        if (at + 10 > data.length) break;
        length = data.readUInt32BE(at + 6);
        start = at + 10;
      }
      if (start + length > data.length) break;
      const opcode = (data[at] ?? 0) & 0x0f;
      if (opcode === PING) this.#pong(data.subarray(start, start + length));
      else if (opcode === CLOSE)
        throw new Error(
          `closed by the server: ${length < 2 ? '' : data.readUInt16BE(start)} ${data.latin1Slice(start + 2, start + length)}`,
        );
      else if (opcode < CLOSE) this.#options.received(data.subarray(start, start + length));
      at = start + length;
    }
    this.#rest = at < data.length ? data.subarray(at) : undefined;
    this.#options.turnEnded?.();
    this.flush();
  }

  #pong(payload: Buffer): void {
    this.#socket.write(Buffer.concat([Buffer.from([0x8a, 0x80 | payload.length, 0, 0, 0, 0]), payload]));
  }
}
