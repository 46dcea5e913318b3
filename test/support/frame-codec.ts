/** The codec as the broker uses it: strings of bytes inside, UTF-8 outside. */
import { type Decoded, FrameDecoder } from '../../src/protocol/native/decode.ts';
import { type ClientFrame, FrameError } from '../../src/protocol/native/frame.ts';
import { DEFAULT_LIMITS, type FrameLimits } from '../../src/protocol/native/limits.ts';

function decoderWith(limits: Partial<FrameLimits> = {}): FrameDecoder {
  return new FrameDecoder({ ...DEFAULT_LIMITS, ...limits }, (bytes, start, end) => (bytes as Buffer).latin1Slice(start, end));
}

/** As text carried through the broker: one character a byte. */
export const carried = (text: string): string => Buffer.from(text).toString('latin1');
export const uncarried = (bytes: string): string => Buffer.from(bytes, 'latin1').toString();

export const decodeAll = (text: string, limits?: Partial<FrameLimits>): readonly Decoded[] =>
  decoderWith(limits).text(Buffer.from(text));

/** The one frame that is in the text; throws the error that is there instead. */
export function decode(text: string | Buffer, limits?: Partial<FrameLimits>): ClientFrame {
  const [first, ...others] = typeof text === 'string' ? decodeAll(text, limits) : decoderWith(limits).binary(text);
  if (first === undefined || others.length > 0) throw new Error(`expected one frame, got ${others.length + 1}`);
  if (first instanceof FrameError) throw first;
  return first;
}

/** `code: message`, and the ref in front of it if there is one. */
export function refusal(text: string | Buffer, limits?: Partial<FrameLimits>): string {
  try {
    decode(text, limits);
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    return `${error.ref === undefined ? '' : `${error.ref} `}${error.code}: ${error.message}`;
  }
  return 'taken';
}
