/**
 * What a connection has to send. All frames of one turn of the event loop leave in one write: a system call costs as much as
 * encoding ten small frames. Frames the server's side of RFC 6455, section 5.2: unmasked, never fragmented, no extensions.
 *
 * Counts every byte that the client has not taken, so that a slow reader is given no more than it takes.
 */
import type { Duplex } from 'node:stream';

const TEXT = 0x81;
const BINARY = 0x82;
const OPEN_BRACKET = 0x5b;
const COMMA = 0x2c;
const CLOSE_BRACKET = 0x5d;
/** Frames of one array together, in bytes; a larger frame goes alone. */
const ARRAY_BYTES_MAX = 64 * 1024;
/** What a connection may still buffer when the process as a whole is over its limit. */
const CROWDED_BYTES_MAX = 16 * 1024;

/** Bytes that all connections together have not got rid of. */
export class OutboundBudget {
  bytes = 0;
  readonly bytesMax: number;
  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }
}

export interface OutboxOptions {
  readonly socket: Duplex;
  readonly bytesMax: number;
  readonly budget: OutboundBudget;
  readonly afterTurn: (task: () => void) => void;
  /** Frames may still be sent: after a close frame there must be none (RFC 6455, section 5.5.1). */
  readonly isOpen: () => boolean;
  /** There was no room, and there is again. */
  readonly drained: () => void;
}

export class Outbox {
  /** The client takes arrays of frames. */
  arrays = false;
  /** When the client last took something while there was something to take, in ms of the process. */
  progressAt = performance.now();
  readonly #options: OutboxOptions;
  #frames: string[] = [];
  #opcodes: number[] = [];
  #staged = 0;
  #writing = 0;
  #full = false;
  #closed = false;
  readonly #flush = (): void => this.flush();

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Bytes that the client has not taken. */
  get bytes(): number {
    return this.#staged + this.#writing;
  }

  /** There is room for another delivery. Replies are not held back: the socket of a client that does not read is not read either. */
  get writable(): boolean {
    const { bytesMax, budget } = this.#options;
    const room = budget.bytes < budget.bytesMax ? bytesMax : Math.min(CROWDED_BYTES_MAX, bytesMax);
    if (this.bytes < room) return true;
    this.#full = true;
    return false;
  }

  /** Sends a string of bytes as a text frame, its bytes being UTF-8. */
  text(bytes: string): void {
    this.#push(bytes, TEXT);
  }

  binary(bytes: string): void {
    this.#push(bytes, BINARY);
  }

  flush(): void {
    if (this.#frames.length === 0 || this.#closed) return;
    if (!this.#options.isOpen()) return this.close();
    const frames = this.#frames;
    const opcodes = this.#opcodes;
    this.#frames = [];
    this.#opcodes = [];
    this.#options.budget.bytes -= this.#staged;
    this.#staged = 0;
    this.#write(encode(frames, runsOf(frames, opcodes, this.arrays)));
  }

  /** Forgets what was not sent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.budget.bytes -= this.bytes;
    this.#staged = 0;
    this.#writing = 0;
    this.#frames = [];
  }

  #push(bytes: string, opcode: number): void {
    if (this.#closed) return;
    if (this.#frames.length === 0) this.#options.afterTurn(this.#flush);
    if (this.bytes === 0) this.progressAt = performance.now();
    this.#frames.push(bytes);
    this.#opcodes.push(opcode);
    this.#staged += bytes.length;
    this.#options.budget.bytes += bytes.length;
  }

  #write(bytes: Buffer): void {
    this.#writing += bytes.length;
    this.#options.budget.bytes += bytes.length;
    this.#options.socket.write(bytes, () => {
      if (this.#closed) return;
      this.#writing -= bytes.length;
      this.#options.budget.bytes -= bytes.length;
      this.progressAt = performance.now();
      if (this.#full && this.bytes <= this.#options.bytesMax / 2) {
        this.#full = false;
        this.#options.drained();
      }
    });
  }
}

/** A WebSocket frame to be: one text or binary frame of ours, or a run of text frames as one array. */
interface Run {
  readonly first: number;
  readonly end: number;
  readonly opcode: number;
  readonly bytes: number;
}

/** What goes into one WebSocket frame. */
function runsOf(frames: readonly string[], opcodes: readonly number[], arrays: boolean): Run[] {
  const runs: Run[] = [];
  for (let at = 0; at < frames.length; ) {
    const first = at;
    const opcode = opcodes[at] ?? TEXT;
    let bytes = frames[at++]?.length ?? 0;
    if (arrays && opcode === TEXT) {
      while (opcodes[at] === TEXT && bytes + (frames[at]?.length ?? 0) < ARRAY_BYTES_MAX)
        bytes += 1 + (frames[at++]?.length ?? 0);
      // the brackets
      if (at - first > 1) bytes += 2;
    }
    runs.push({ first, end: at, opcode, bytes });
  }
  return runs;
}

function encode(frames: readonly string[], runs: readonly Run[]): Buffer {
  let size = 0;
  for (const run of runs) size += headerSize(run.bytes) + run.bytes;
  const buffer = Buffer.allocUnsafe(size);
  let at = 0;
  for (const run of runs) {
    at = writeHeader(buffer, at, run.opcode, run.bytes);
    if (run.end - run.first === 1) {
      at += buffer.latin1Write(frames[run.first] ?? '', at);
      continue;
    }
    for (let i = run.first; i < run.end; i++) {
      buffer[at++] = i === run.first ? OPEN_BRACKET : COMMA;
      at += buffer.latin1Write(frames[i] ?? '', at);
    }
    buffer[at++] = CLOSE_BRACKET;
  }
  return buffer;
}

function headerSize(length: number): number {
  if (length < 126) return 2;
  return length < 65_536 ? 4 : 10;
}

function writeHeader(buffer: Buffer, at: number, opcode: number, length: number): number {
  buffer[at] = opcode;
  if (length < 126) {
    buffer[at + 1] = length;
    return at + 2;
  }
  if (length < 65_536) {
    buffer[at + 1] = 126;
    return buffer.writeUInt16BE(length, at + 2);
  }
  buffer[at + 1] = 127;
  buffer.writeUInt32BE(0, at + 2);
  return buffer.writeUInt32BE(length, at + 6);
}
