/** The one error of the SDK: what was refused or went wrong, whether trying again may help. */

/**
 * Codes of the SDK's own, beside those of the broker (see docs/protocol.md):
 * - `unreachable`: no connection could be made; there is no broker at that address, or it refused the handshake.
 * - `connection_lost`: the connection ended before the answer came. It may have been done or not.
 * - `closed`: the client was closed by `close()` or `drain()`.
 * - `taken_over`: a newer connection of the same client name took its place.
 */
export type ClientErrorCode = 'unreachable' | 'connection_lost' | 'closed' | 'taken_over';

export interface HoldfastErrorOptions extends ErrorOptions {
  readonly retryable?: boolean;
}

export class HoldfastError extends Error {
  override readonly name = 'HoldfastError';
  /** A stable word: one of `ClientErrorCode` or of the broker's codes. */
  readonly code: string;
  /** The same may succeed later, unchanged. */
  readonly retryable: boolean;

  constructor(code: string, message: string, { retryable = false, ...options }: HoldfastErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.retryable = retryable;
  }
}

/** What is thrown, as the SDK's error. */
export function asHoldfastError(error: unknown, code: string): HoldfastError {
  if (error instanceof HoldfastError) return error;
  return new HoldfastError(code, error instanceof Error ? error.message : String(error), { cause: error });
}
