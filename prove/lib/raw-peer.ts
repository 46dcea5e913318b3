/**
 * A peer that is made of a TCP socket and frames by hand (RFC 6455, section 5.2), so that it can do what no WebSocket library
 * does: send half a frame, read nothing and still give signs of life, or vanish.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const TEXT = 0x81;
const PONG = 0x8a;
const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);
/** What a peer that does not read still takes in before its kernel's buffer fills, in bytes. */
const TAKEN_UNREAD = 1024;

export class RawPeer {
  readonly socket: Socket;
  /** Called with the text of each frame, while it reads. */
  received: (text: string) => void = () => undefined;
  #rest: Buffer = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.socket = socket;
  }

  /** Resolves with a bare TCP connection. */
  static async tcp(port: number): Promise<Socket> {
    const options = { port, host: '127.0.0.1', noDelay: true, highWaterMark: TAKEN_UNREAD };
    const socket = connect(options);
    await once(socket, 'connect');
    socket.on('error', () => undefined);
    return socket;
  }

  /** Resolves when the WebSocket is open; rejects when the connection ends before. */
  static async open(port: number, path: string): Promise<RawPeer> {
    const peer = new RawPeer(await RawPeer.tcp(port));
    const opened = Promise.withResolvers<void>();
    peer.socket.once('close', () => opened.reject(new Error('the connection ended before the WebSocket was open')));
    let head: Buffer = Buffer.alloc(0);
    const reading = (bytes: Buffer): void => {
      head = Buffer.concat([head, bytes]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      if (head.latin1Slice(9, 12) !== '101') return opened.reject(new Error(`the broker answered ${head.latin1Slice(9, 100)}`));
      peer.socket.off('data', reading);
      peer.socket.on('data', (more: Buffer) => peer.#read(more));
      peer.#read(head.subarray(end + 4));
      opened.resolve();
    };
    peer.socket.on('data', reading);
    peer.socket.write(handshake(port, path));
    await opened.promise;
    return peer;
  }

  get isOpen(): boolean {
    return !this.socket.destroyed;
  }

  send(frame: object): void {
    this.socket.write(encode(TEXT, Buffer.from(JSON.stringify(frame))));
  }

  /** The beginning of a frame, never to be finished. */
  sendHalf(frame: object): void {
    const bytes = encode(TEXT, Buffer.from(JSON.stringify(frame)));
    this.socket.write(bytes.subarray(0, bytes.length >> 1));
  }

  /** A sign of life that nobody asked for, which a peer may give at any time (section 5.5.3). */
  pong(): void {
    this.socket.write(encode(PONG, Buffer.alloc(0)));
  }

  /** Reads nothing from now on. */
  stall(): void {
    this.socket.pause();
  }

  destroy(): void {
    this.socket.destroy();
  }

  #read(bytes: Buffer): void {
    const data = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let at = 0;
    for (;;) {
      const payload = payloadAt(data, at);
      if (payload === undefined) break;
      const isText = data[at] === TEXT;
      at = payload.end;
      if (isText) this.received(data.toString('utf8', payload.start, payload.end));
    }
    this.#rest = data.subarray(at);
  }
}

/** The upgrade request of a client. */
export function handshake(port: number, path: string): string {
  return (
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\n\r\n`
  );
}

function encode(first: number, payload: Buffer): Buffer {
  const { length } = payload;
  if (length > 0xffff) throw new Error(`a frame of ${length} bytes is more than such a peer needs`);
  const header =
    length < 126 ? Buffer.from([first, 0x80 | length]) : Buffer.from([first, 0x80 | 126, length >> 8, length & 0xff]);
  const masked = Buffer.from(payload.map((byte, i) => byte ^ (MASK[i % MASK.length] ?? 0)));
  return Buffer.concat([header, MASK, masked]);
}

/** Where the payload of the frame that begins there is; undefined when it is not all there. The broker's are not masked. */
function payloadAt(data: Buffer, at: number): { readonly start: number; readonly end: number } | undefined {
  if (at + 2 > data.length) return undefined;
  const short = (data[at + 1] ?? 0) & 0x7f;
  const start = at + (short < 126 ? 2 : short === 126 ? 4 : 10);
  if (start > data.length) return undefined;
  const length = short < 126 ? short : short === 126 ? data.readUInt16BE(at + 2) : Number(data.readBigUInt64BE(at + 2));
  return start + length > data.length ? undefined : { start, end: start + length };
}
