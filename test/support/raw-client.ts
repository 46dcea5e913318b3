/** A WebSocket and what came over it: lines of text, frames of bytes, and in the end a close code. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { bounded } from './wire-client.ts';

export interface ConnectOptions {
  readonly subprotocols?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly origin?: string;
  /** False: pings of the broker are not answered. */
  readonly autoPong?: boolean;
}

/** The handshake was refused. */
class HandshakeRefused extends Error {
  override readonly name = 'HandshakeRefused';
  readonly status: number;
  readonly body: string;
  constructor(status: number, body: string) {
    super(`${status}: ${body}`);
    this.status = status;
    this.body = body;
  }
}

export class RawClient {
  readonly socket: WebSocket;
  /** What came and was not asked for yet; bytes for binary frames. */
  readonly received: (string | Buffer)[] = [];
  readonly closed: Promise<number>;
  #arrived: (() => void) | undefined;
  #closeCode: number | undefined;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer, isBinary) => {
      this.received.push(isBinary ? data : data.toString());
      this.#arrived?.();
    });
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.once('close', (code) => {
        this.#closeCode = code;
        this.#arrived?.();
        resolve(code);
      });
    });
  }

  static async connect(url: string, options: ConnectOptions): Promise<RawClient> {
    const { subprotocols = ['holdfast.v1'], headers = {}, origin, autoPong = true } = options;
    const socket = new WebSocket(url, [...subprotocols], { headers, autoPong, ...(origin === undefined ? {} : { origin }) });
    const client = new RawClient(socket);
    const refused = new Promise<never>((_, reject) => {
      socket.once('unexpected-response', (_request, response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => {
          body += chunk.toString();
        });
        response.on('end', () => reject(new HandshakeRefused(response.statusCode ?? 0, body.trim())));
      });
      socket.once('error', reject);
    });
    await bounded(Promise.race([once(socket, 'open'), refused]), 'an open WebSocket');
    return client;
  }

  send(data: string | Uint8Array): void {
    this.socket.send(data);
  }

  /** The next frame; undefined when the connection has ended instead. */
  async nextFrame(): Promise<string | Buffer | undefined> {
    while (this.received.length === 0 && this.#closeCode === undefined) {
      const arrived = new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
      await bounded(arrived, 'a frame');
    }
    return this.received.shift();
  }

  /** The next text frame, parsed. */
  async next(): Promise<Readonly<Record<string, unknown>>> {
    const frame = await this.nextFrame();
    if (typeof frame !== 'string') throw new Error(`expected a text frame, got ${frame === undefined ? 'a close' : 'bytes'}`);
    return JSON.parse(frame) as Readonly<Record<string, unknown>>;
  }

  /** The next text frame of that type; others before it are left out. */
  async nextOf(type: string): Promise<Readonly<Record<string, unknown>>> {
    for (;;) {
      const frame = await this.next();
      if (frame['type'] === type) return frame;
    }
  }

  /** Sends a frame; returns its answer, leaving out whatever else comes before it. */
  async ask(frame: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>> {
    const ref = `ask-${this.#asked++}`;
    this.send(JSON.stringify({ ...frame, ref }));
    for (;;) {
      const answer = await this.next();
      if (answer['ref'] === ref) return answer;
    }
  }

  #asked = 0;

  close(): Promise<number> {
    this.socket.close(1000);
    return bounded(this.closed, 'the close');
  }

  terminate(): void {
    this.socket.terminate();
  }
}

/** Waits for a condition, looking again whenever the event loop has gone round. */
export async function eventually(holds: () => boolean, what: string, ms = 10_000): Promise<void> {
  const until = performance.now() + ms;
  while (!holds()) {
    if (performance.now() > until) throw new Error(`${what} did not come true within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
