/** What the broker's thread and the writer's say to each other. Bulk goes in planes, whose memory is handed over. */
import type { BoundQueue, CommitReport, QueueRecord, ReadLimits, Recovered, Selection } from '../store.ts';
import type { Damage } from './damage.ts';
import type { Planes } from './planes.ts';
import type { StoreErrorCode } from './store-error.ts';

/** Handed to the writer as its `workerData`. */
export interface WriterOptions {
  readonly path: string;
}

export type Request =
  | { readonly kind: 'recover' }
  | { readonly kind: 'commit'; readonly batch: Planes }
  | { readonly kind: 'find'; readonly namespace: string; readonly name: string }
  | { readonly kind: 'match'; readonly namespace: string; readonly topic: string }
  | { readonly kind: 'read'; readonly queue: number; readonly selection: Selection; readonly limits: ReadLimits }
  | { readonly kind: 'close' };

export type Answer =
  | { readonly kind: 'recover'; readonly recovered: Recovered }
  /** Undefined when everything was stored whole. */
  | { readonly kind: 'commit'; readonly report: CommitReport | undefined }
  | { readonly kind: 'find'; readonly queue: QueueRecord | undefined }
  | { readonly kind: 'match'; readonly bound: readonly BoundQueue[] }
  /** The messages themselves are the next `count` in the planes that came along. */
  | { readonly kind: 'read'; readonly count: number; readonly more: boolean; readonly damaged: readonly Damage[] }
  | { readonly kind: 'close' };

/** What the writer says: answers to the oldest requests that are still open, in their order; or its last words. */
export type WriterMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'answers'; readonly answers: readonly Answer[]; readonly messages: Planes | undefined }
  | { readonly kind: 'failed'; readonly code: StoreErrorCode; readonly message: string; readonly cause: unknown };
