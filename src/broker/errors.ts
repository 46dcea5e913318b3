/** Every error that a client can be told, in one table: `docs/protocol.md` lists the same, by test. */

interface ErrorKind {
  /** The same frame may succeed later, unchanged. */
  readonly retryable: boolean;
  /** The connection ends with this close code. */
  readonly closes?: number;
  readonly meaning: string;
}

export const ERRORS = {
  bad_frame: {
    retryable: false,
    closes: 4103,
    meaning: 'What came is not a frame: not JSON, not an object, or binary without its line of JSON.',
  },
  unknown_type: { retryable: false, meaning: 'The frame has a `type` that does not exist.' },
  bad_field: { retryable: false, meaning: 'A field is missing, unknown, or not what it should be. The message names it.' },
  unsupported: { retryable: false, meaning: 'The protocol has this, but this broker does not support it yet.' },
  too_large: { retryable: false, meaning: 'Something is over a limit. The message names the limit.' },
  not_found: { retryable: false, meaning: 'There is no such thing, or none that this client may know of.' },
  forbidden: { retryable: false, meaning: 'This client may not do that.' },
  unauthenticated: { retryable: false, closes: 4101, meaning: 'The token is missing or wrong.' },
  not_held: {
    retryable: false,
    meaning: 'This connection does not hold that message: it was settled, its lease ran out, or it never had it.',
  },
  conflict: {
    retryable: false,
    meaning:
      'The id was published before with another body, other headers or another destination, or the session is open already.',
  },
  disk_full: {
    retryable: true,
    meaning: 'The disk is nearly full: nothing is taken in until there is room. Acknowledging goes on.',
  },
  draining: { retryable: true, meaning: 'The broker is shutting down. Connect again and repeat.' },
  unavailable: { retryable: true, meaning: 'The broker cannot do that at the moment.' },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

/** A verb that was refused: nothing has changed. */
export class BrokerError extends Error {
  override readonly name = 'BrokerError';
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export function isRetryable(code: ErrorCode): boolean {
  return ERRORS[code].retryable;
}

/** The code that the connection is closed with after this error; undefined when it stays open. */
export function closeCodeOf(code: ErrorCode): number | undefined {
  const kind: ErrorKind = ERRORS[code];
  return kind.closes;
}

/** The close codes of RFC 6455, section 7.4, that the broker sends, and its own in the private range. */
export const CLOSE = {
  draining: 1001,
  tooLarge: 1009,
  slowConsumer: 4000,
  noHeartbeat: 4001,
  takenOver: 4100,
  unauthenticated: 4101,
  forbidden: 4102,
  notAFrame: 4103,
} as const;
