/** Feeds hostile frames to the codec, in a thread of its own, and says which of them it took for something else than they are. */
import { parentPort, workerData } from 'node:worker_threads';
import { FrameDecoder } from '../../src/protocol/native/decode.ts';
import { FrameError } from '../../src/protocol/native/frame.ts';
import { DEFAULT_LIMITS } from '../../src/protocol/native/limits.ts';
import { type HostileFrame, hostileFrame } from '../../test/support/hostile-frames.ts';
import { SeededRandom } from '../../test/support/seeded-random.ts';

export interface FuzzTask {
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

function fuzz({ seed, inputs }: FuzzTask, send: (message: FuzzMessage) => void): void {
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

const port = parentPort;
if (port !== null) fuzz(workerData as FuzzTask, (message) => port.postMessage(message));
