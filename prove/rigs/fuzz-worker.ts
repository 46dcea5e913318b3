/** Feeds hostile frames to the codec or to a session, in a thread of its own, and says which were taken for something else. */
import { parentPort, workerData } from 'node:worker_threads';
import { FrameDecoder } from '../../src/protocol/native/decode.ts';
import { FrameError } from '../../src/protocol/native/frame.ts';
import { DEFAULT_LIMITS } from '../../src/protocol/native/limits.ts';
import { type HostileFrame, hostileFrame } from '../../test/support/hostile-frames.ts';
import { SeededRandom } from '../../test/support/seeded-random.ts';
import { FuzzedSession, type Reaction } from '../lib/fuzzed-session.ts';

export interface FuzzTask {
  readonly target: 'codec' | 'session';
  readonly seed: number;
  readonly inputs: number;
}

export interface FuzzMessage {
  /** Since the last one. */
  readonly inputs: number;
  readonly refused: number;
  readonly faults: readonly string[];
}

const REPORT_EVERY = 50_000;
const FAULTS_MAX = 20;
/** The codec has no such limit of its own, and long frames are slow to make. */
const FRAME_BYTES_MAX = 1000;
/** What a session says of a frame that the codec takes. */
const OF_SESSIONS: ReadonlySet<string> = new Set(['forbidden', 'not_held']);

/** Undefined when the codec makes of it what it is. */
function faultIn(
  { data, verdict }: HostileFrame,
  decoder: FrameDecoder,
): { readonly fault: string | undefined; readonly refused: boolean } {
  try {
    const decoded = typeof data === 'string' ? decoder.text(Buffer.from(data)) : decoder.binary(data);
    const [first] = decoded;
    const code = first instanceof FrameError ? first.code : undefined;
    const answer = { refused: code !== undefined };
    if (verdict === 'closes') return { ...answer, fault: code === undefined || decoded.length !== 1 ? 'was taken' : undefined };
    if (verdict === 'open') return { ...answer, fault: code === 'bad_frame' ? 'was refused as a whole' : undefined };
    if (OF_SESSIONS.has(verdict) || code === verdict) return { ...answer, fault: undefined };
    return { ...answer, fault: `should have been ${verdict} and was ${code ?? 'taken'}` };
  } catch (error) {
    return { refused: true, fault: `threw ${String(error)}` };
  }
}

function fuzzCodec({ seed, inputs }: FuzzTask, send: (message: FuzzMessage) => void): void {
  const random = new SeededRandom(seed);
  const decoder = new FrameDecoder(DEFAULT_LIMITS, (bytes, start, end) => (bytes as Buffer).latin1Slice(start, end));
  let faults: string[] = [];
  let refused = 0;
  for (let done = 0; done < inputs; ) {
    const upTo = Math.min(done + REPORT_EVERY, inputs);
    const from = done;
    for (; done < upTo; done++) {
      const frame = hostileFrame(random, FRAME_BYTES_MAX);
      const found = faultIn(frame, decoder);
      if (found.refused) refused++;
      if (found.fault !== undefined && faults.length < FAULTS_MAX)
        faults.push(`${found.fault}: ${JSON.stringify(String(frame.data)).slice(0, 300)}`);
    }
    send({ inputs: done - from, refused, faults });
    faults = [];
    refused = 0;
  }
}

/** Frames at a time, as a client may send them without waiting. */
const WINDOW = 32;
/** Inputs after which a new broker takes over, so that memory does not grow. */
const BROKER_INPUTS = 20_000;
const NEVER_DELIVERED = '0194a1b0-6a5e-7c3e-9d5e-5f1d2c3b4a59';
/** The close code of what is not a frame. */
const BAD_FRAME = 4103;

/** Mostly hostile; what is valid makes deliveries, and says something of them. */
function sessionFrame(random: SeededRandom, delivered: readonly string[]): HostileFrame {
  if (random.chance(0.7)) return hostileFrame(random, FRAME_BYTES_MAX);
  const id = `"id":"${random.pick([delivered.at(-random.between(1, 50)), NEVER_DELIVERED]) ?? NEVER_DELIVERED}"`;
  const data = random.pick([
    '{"type":"publish","ref":1,"queue":"hostile","body":[1,"x"]}',
    '{"type":"publish","topics":["h.a","h.b"],"body":{"a":null},"headers":{"x":"y"}}',
    `{"type":"subscribe","queue":"hostile","prefetch":${random.between(1, 100)}}`,
    '{"type":"subscribe"}',
    '{"type":"unsubscribe","queue":"hostile"}',
    '{"type":"bind","queue":"hostile","topic":"h.#"}',
    `{"type":"ack","ref":"a",${id}}`,
    `{"type":"ack",${id}}`,
    `{"type":"nack",${id},"delay":${random.between(0, 3)}}`,
    `{"type":"extend","ref":2,${id},"ms":1000}`,
  ]);
  return { data, verdict: 'open' };
}

function faultOf({ verdict }: HostileFrame, { codes, closeCode }: Reaction): string | undefined {
  if (verdict === 'closes') {
    const isClosed = closeCode === BAD_FRAME && codes.includes('bad_frame');
    return isClosed ? undefined : `should have ended the connection, and was answered ${codes.join(', ')}`;
  }
  if (closeCode !== undefined) return `ended the connection with ${closeCode} (${codes.join(', ')})`;
  return verdict === 'open' || codes.includes(verdict) ? undefined : `should have been ${verdict} and was ${codes.join(', ')}`;
}

async function fuzzSession({ seed, inputs }: FuzzTask, send: (message: FuzzMessage) => void): Promise<void> {
  const random = new SeededRandom(seed);
  let session: FuzzedSession | undefined;
  for (let done = 0; done < inputs; done += WINDOW) {
    if (done % BROKER_INPUTS < WINDOW) session = undefined;
    session ??= await FuzzedSession.open();
    const { delivered } = session;
    const frames = Array.from({ length: WINDOW }, () => sessionFrame(random, delivered));
    const shown = ({ data }: HostileFrame): string => JSON.stringify(String(data)).slice(0, 300);
    const faults: string[] = [];
    let refused = 0;
    for (let at = 0; at < frames.length; ) {
      const reactions = await session.feed(frames.slice(at));
      for (const [i, reaction] of reactions.entries()) {
        const frame = frames[at + i] ?? { data: '', verdict: 'open' };
        const fault = faultOf(frame, reaction);
        if (fault !== undefined) faults.push(`session: ${fault}: ${shown(frame)}`);
        if (reaction.codes.length > 0) refused++;
      }
      at += reactions.length;
      if (reactions.at(-1)?.closeCode !== undefined) await session.connect();
      else if (at < frames.length) {
        faults.push(`session: did not answer: ${shown(frames[at] ?? { data: '', verdict: 'open' })}`);
        session = undefined;
        break;
      }
    }
    for (const failure of session?.rig.failures ?? []) faults.push(`the broker failed: ${String(failure)}`);
    send({ inputs: WINDOW, refused, faults: faults.slice(0, FAULTS_MAX) });
  }
}

const port = parentPort;
if (port !== null) {
  const task = workerData as FuzzTask;
  const send = (message: FuzzMessage): void => port.postMessage(message);
  if (task.target === 'codec') fuzzCodec(task, send);
  else await fuzzSession(task, send);
}
