/**
 * What a `MemoryStore` has committed: the disk that outlives the broker's crash in a test. Plain data, for one store at a time;
 * a store opened later takes the disk over, and the one before never changes it again.
 */
import type { MessageAttributes, QueuedMessage, QueueRecord } from '../store.ts';

export interface MemoryBinding {
  readonly namespace: string;
  readonly queue: number;
  readonly filter: string;
}

export interface RememberedId {
  readonly content: readonly [destination: string, binary: boolean, headers: MessageAttributes['headers'], body: string];
  readonly time: number;
  readonly queues: number;
}

export class MemoryDisk {
  /** Counts the stores that were opened on it; the last one owns it. */
  opened = 0;
  seq = 1;
  queue = 1;
  readonly queues = new Map<number, QueueRecord>();
  /** By queue, then by seq. */
  readonly messages = new Map<number, Map<number, QueuedMessage>>();
  bindings: readonly MemoryBinding[] = [];
  /** By namespace and id. */
  readonly remembered = new Map<string, RememberedId>();
}
