/**
 * A session of the native protocol on a connection without a socket, with a broker in memory behind it, for frames that nobody
 * should send: what it answers is read as a client would, up to the pong of a ping that follows each of them.
 */
import { EventEmitter } from 'node:events';
import { Writable, type Duplex } from 'node:stream';
import { ERRORS } from '../../src/broker/errors.ts';
import { FrameDecoder } from '../../src/protocol/native/decode.ts';
import { DEFAULT_LIMITS } from '../../src/protocol/native/limits.ts';
import { sharedTokenAuthority } from '../../src/server/auth/shared-token.ts';
import type { BrokerWebSocket } from '../../src/server/broker-web-socket.ts';
import { Connection } from '../../src/server/connection.ts';
import { NativeSession } from '../../src/server/native-session.ts';
import { OutboundBudget } from '../../src/server/outbox.ts';
import { BrokerRig } from '../../test/support/broker-rig.ts';
import type { HostileFrame } from '../../test/support/hostile-frames.ts';

const CLIENT = 'fuzz';
const OUTBOUND_BYTES_MAX = 1024 * 1024;
const HELLO_BYTES_MAX = 64 * 1024;
const TEXT = 0x81;

/** The WebSocket's part that a connection uses. */
class FakeWebSocket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  beforeClose: (() => void) | undefined;
  closeCode: number | undefined;

  pause(): void {}

  resume(): void {}

  ping(): void {}

  close(code: number): void {
    if (this.readyState !== this.OPEN) return;
    this.beforeClose?.();
    this.readyState = 3;
    this.closeCode = code;
    this.emit('close', code);
  }

  terminate(): void {
    this.close(1006);
  }
}

/** What came back to one frame: the error codes before its pong, and how the connection ended if it did. */
export interface Reaction {
  readonly codes: readonly string[];
  readonly closeCode: number | undefined;
}

export class FuzzedSession {
  readonly rig: BrokerRig;
  readonly #decoder = new FrameDecoder(DEFAULT_LIMITS, (bytes, start, end) => (bytes as Buffer).latin1Slice(start, end));
  readonly #budget = new OutboundBudget(64 * OUTBOUND_BYTES_MAX);
  #webSocket = new FakeWebSocket();
  #outbound: Buffer[] = [];
  #pings = 0;
  /** Ids that were delivered to it, for frames about them. */
  readonly delivered: string[] = [];

  static async open(): Promise<FuzzedSession> {
    const session = new FuzzedSession(await BrokerRig.start());
    await session.connect();
    return session;
  }

  private constructor(rig: BrokerRig) {
    this.rig = rig;
  }

  /** Another connection of the same client. */
  async connect(): Promise<void> {
    const webSocket = new FakeWebSocket();
    this.#webSocket = webSocket;
    const socket = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.#outbound.push(chunk);
        done();
      },
    });
    const connection = new Connection({
      socket: socket as unknown as Duplex,
      webSocket: webSocket as unknown as BrokerWebSocket,
      outboundBytesMax: OUTBOUND_BYTES_MAX,
      budget: this.#budget,
      afterTurn: (task) => void setImmediate(task),
    });
    const authority = sharedTokenAuthority(undefined);
    new NativeSession(connection, {
      broker: this.rig.broker,
      authority,
      decoder: this.#decoder,
      namespace: 'default',
      client: CLIENT,
      graceMs: 0,
      identity: authority.identify(undefined),
      helloBytesMax: HELLO_BYTES_MAX,
      server: { name: 'holdfast', version: '0' },
      limits: {},
      closed: () => undefined,
    }).begin();
    await this.rig.settle();
    this.#outbound = [];
  }

  /**
   * Feeds frames, each with a ping behind it; what came back to each, up to the one that ended the connection.
   *
   * @throws for an answer that no client could read, or an error of no known name.
   */
  async feed(frames: readonly HostileFrame[]): Promise<Reaction[]> {
    const first = this.#pings;
    for (const { data } of frames) {
      this.#webSocket.emit('message', Buffer.from(data as string), typeof data !== 'string');
      this.#webSocket.emit('message', Buffer.from(`{"type":"ping","ref":"sentinel-${this.#pings++}"}`), false);
    }
    await this.rig.settle();
    await new Promise((resolve) => setImmediate(resolve));
    const { closeCode } = this.#webSocket;
    const reactions: Reaction[] = [];
    let codes: string[] = [];
    for (const answer of this.#answers()) {
      if (answer.type === 'message') this.delivered.push(String(answer.id));
      if (answer.type === 'error') {
        if (!Object.hasOwn(ERRORS, answer.code ?? ''))
          throw new Error(`an error without a known code: ${JSON.stringify(answer)}`);
        codes.push(answer.code ?? '');
      }
      if (answer.type !== 'pong' || answer.ref !== `sentinel-${first + reactions.length}`) continue;
      reactions.push({ codes, closeCode: undefined });
      codes = [];
    }
    if (closeCode !== undefined) reactions.push({ codes, closeCode });
    return reactions;
  }

  *#answers(): Generator<{ readonly type: string; readonly ref?: unknown; readonly code?: string; readonly id?: unknown }> {
    for (const chunk of this.#outbound.splice(0)) {
      for (let at = 0; at < chunk.length; ) {
        const opcode = chunk[at] ?? 0;
        const short = chunk[at + 1] ?? 0;
        const head = short < 126 ? 2 : short === 126 ? 4 : 10;
        const length = short < 126 ? short : short === 126 ? chunk.readUInt16BE(at + 2) : Number(chunk.readBigUInt64BE(at + 2));
        const content = chunk.toString('utf8', at + head, at + head + length);
        at += head + length;
        yield JSON.parse(opcode === TEXT ? content : content.slice(0, content.indexOf('\n'))) as { type: string };
      }
    }
  }
}
