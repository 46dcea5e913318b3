/** What a frame may hold at most. Every limit is an argument of the codec, so that a broker can set its own. */
export interface FrameLimits {
  /** Bytes of one WebSocket message. */
  readonly frameBytesMax: number;
  /** Bytes of one WebSocket message before the session is open. */
  readonly helloBytesMax: number;
  /** Frames in one array of frames. */
  readonly framesMax: number;
  /** Members of `messages` and `ids`. */
  readonly batchMax: number;
  /** Members of `topics`. */
  readonly topicsMax: number;
  readonly headersMax: number;
  /** Bytes of one header, its name and its value as JSON text. */
  readonly headerBytesMax: number;
  /** Arrays and objects inside one another. */
  readonly depthMax: number;
  readonly prefetchMax: number;
}

export const DEFAULT_LIMITS: FrameLimits = {
  frameBytesMax: 1024 * 1024,
  helloBytesMax: 64 * 1024,
  framesMax: 4096,
  batchMax: 1000,
  topicsMax: 100,
  headersMax: 32,
  headerBytesMax: 1024,
  depthMax: 1000,
  prefetchMax: 10_000,
};

/** Limits that the protocol itself sets, the same for every broker. */
export const REF_CHARACTERS_MAX = 64;
export const NAME_CHARACTERS_MAX = 128;
export const TOPIC_CHARACTERS_MAX = 255;
export const TEXT_CHARACTERS_MAX = 1024;
/** A day longer than a year: delays, leases and graces beyond it are mistakes. */
export const DURATION_MS_MAX = 366 * 24 * 3600 * 1000;
