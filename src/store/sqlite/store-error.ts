/** Why a store can't be opened, or can't go on. The message names the file and what to do about it, in one line. */

export type StoreErrorCode = 'not_ours' | 'newer_schema' | 'older_schema' | 'locked' | 'corrupt' | 'old_sqlite' | 'failed';

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** An engine's error in our words; ours pass as they are. */
export function storeErrorFrom(error: unknown, path: string): StoreError {
  if (error instanceof StoreError) return error;
  const engineCode = engineCodeOf(error);
  const text = error instanceof Error ? error.message : String(error);
  if (engineCode === 'SQLITE_NOTADB') {
    return new StoreError('not_ours', `${path} is not a Holdfast database: give another path, or move that file away`, {
      cause: error,
    });
  }
  if (engineCode.startsWith('SQLITE_CORRUPT')) {
    return new StoreError('corrupt', `${path} is damaged (${text}): run \`holdfast check\`, or restore a backup`, {
      cause: error,
    });
  }
  return new StoreError('failed', `${path} can't be used: ${text}${engineCode === '' ? '' : ` (${engineCode})`}`, {
    cause: error,
  });
}

export function engineCodeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
