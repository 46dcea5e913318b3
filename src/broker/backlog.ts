/**
 * What a queue has to deliver next, in order, while it has consumers. The store holds every message; this holds a bounded window
 * of them, and knows exactly which ones it does not hold. Three sources, the lowest seq first:
 *
 * - fresh: never delivered since this backlog began. In memory up to `#cursor`; beyond it on disk, if `#behind`. A message that
 *   is committed while the window reaches up to the end of the queue enters it at once and is never read back.
 * - returned: delivered before, or due now. Its body is read again when its turn comes.
 * - deferred: not before its due time. In memory up to `#deferredMark`, by due time; beyond it on disk.
 *
 * A message that was ever deferred keeps a due time in the store, so that the two reads (by seq without, by due time with) never
 * return the same one. Relies on the store's order of answers: a read has seen a commit if and only if it was made after it.
 * Must never change anything durable.
 */
import type { QueuedMessage, ReadLimits, ReadResult, Selection, StoredMessage } from '../store/store.ts';
import type { Core } from './core.ts';
import { Deque } from './deque.ts';
import { Alarm } from './deadlines.ts';
import { byDue, bySeq, Entry } from './entry.ts';
import { Heap } from './heap.ts';

const FETCH_MAX = 256;

/**
 * Messages that are read at first: a little more than the default prefetch, and no more before nearly all are taken; then each read
 * is twice the one before. So whoever takes what there is soon has large reads, and whoever stops after a prefetch costs little:
 * when 2,000 were read at once, 1,000 stalled readers with 10,000 messages each cost 1,250 MiB.
 */
const READ_AHEAD_MIN = 128;

/** Where a message stands among the deferred ones. */
interface Place {
  readonly due: number;
  readonly seq: number;
}

export class Backlog {
  readonly #core: Core;
  readonly #queue: number;
  /** Seqs up to here may have been delivered in a run that crashed. */
  readonly #reach: number;
  readonly #changed: () => void;

  readonly #fresh = new Deque<Entry>();
  #freshBytes = 0;
  #cursor = 0;
  #behind = true;
  readonly #returned = new Heap<Entry>(bySeq);
  readonly #deferred = new Heap<Entry>(byDue);
  /** Deferred messages after this place are on disk only; undefined when there are none. */
  #deferredMark: Place | undefined = { due: 0, seq: 0 };
  /** The last place, by due time, of all that was taken from the deferred ones: the mark must never go back before it. */
  #promoted: Place = { due: 0, seq: 0 };
  readonly #dueAlarm: Alarm;
  /** Messages that the last read could bring. */
  #readAhead = READ_AHEAD_MIN / 2;
  #readingFresh = false;
  #readingDeferred = false;
  #fetching = false;
  #paused = true;

  constructor(core: Core, queue: number, reach: number, changed: () => void) {
    this.#core = core;
    this.#queue = queue;
    this.#reach = reach;
    this.#changed = changed;
    this.#dueAlarm = new Alarm(() => {
      this.#promoteDue();
      this.#changed();
    });
  }

  /** The next message to deliver, its body at hand; it stays here until `take`. Undefined when there is none yet. */
  peek(): Entry | undefined {
    if (this.#deferredMark?.due === 0) {
      this.#readDeferred();
      return undefined;
    }
    const fresh = this.#fresh.first();
    const returned = this.#returned.first();
    if (returned !== undefined && (fresh === undefined || returned.seq < fresh.seq) && !this.#precededOnDisk(returned, fresh)) {
      if (returned.message !== undefined) return returned;
      this.#fetch();
      return undefined;
    }
    if (fresh === undefined) this.#readFresh();
    return fresh;
  }

  take(entry: Entry): void {
    if (entry.heapIndex >= 0) {
      this.#returned.remove(entry);
      if (this.#returned.size < this.#core.limits.readyMessagesMax / 2) this.#promoteDue();
      return;
    }
    this.#fresh.shift();
    this.#account(-(entry.message?.body.length ?? 0));
    if (this.#behind && this.#fresh.size < this.#windowLow) this.#readFresh();
  }

  /** A message that has just been committed. */
  append(seq: number, message: StoredMessage, sharedBody: number, due: number): void {
    if (due > 0) {
      this.#defer(new Entry(seq, message, sharedBody, due, 0));
      return;
    }
    if (!this.#behind && (this.#paused || this.#fresh.size >= this.#windowMax || this.#freshBytes >= this.#windowBytesMax))
      this.#behind = true;
    if (this.#behind) return;
    this.#cursor = seq;
    this.#fresh.push(new Entry(seq, message, sharedBody, 0, 0));
    this.#account(message.body.length);
  }

  /** A message that was delivered and comes back, now or at its due time. */
  giveBack(entry: Entry): void {
    entry.message = undefined;
    if (entry.due > this.#core.clock.now() || this.#isOnDiskOnly(entry)) this.#defer(entry);
    else this.#return(entry);
  }

  resume(): void {
    this.#paused = false;
    this.#promoteDue();
  }

  /** Nobody consumes any more: keeps the places of messages but none of their bodies. */
  pause(): void {
    this.#paused = true;
    this.#readAhead = READ_AHEAD_MIN / 2;
    const first = this.#fresh.first();
    if (first !== undefined) {
      this.#cursor = first.seq - 1;
      this.#behind = true;
    }
    this.#fresh.clear();
    this.#account(-this.#freshBytes);
    for (const entry of this.#returned.items) entry.message = undefined;
  }

  #return(entry: Entry): void {
    this.#returned.push(entry);
    if (entry.due > 0 && byDue(this.#promoted, entry)) this.#promoted = { due: entry.due, seq: entry.seq };
  }

  /** Its place is one of those that are found again by reading on from the mark. */
  #isOnDiskOnly(entry: Entry): boolean {
    return entry.due > 0 && this.#deferredMark !== undefined && byDue(this.#deferredMark, entry);
  }

  close(): void {
    this.pause();
    this.#core.deadlines.clear(this.#dueAlarm);
  }

  /** An entry on disk before this one's place would have to come first: read the window before passing over it. */
  #precededOnDisk(returned: Entry, fresh: Entry | undefined): boolean {
    return fresh === undefined && this.#behind && returned.seq > this.#cursor;
  }

  get #windowMax(): number {
    const { limits, memory } = this.#core;
    return memory.bytes < limits.readyTotalBytesMax ? limits.readyMessagesMax : Math.ceil(limits.readyMessagesMax / 16);
  }

  /** With fewer left than this, more is read. */
  get #windowLow(): number {
    return Math.min(this.#readAhead, this.#windowMax) / (this.#readAhead <= READ_AHEAD_MIN ? 8 : 2);
  }

  get #windowBytesMax(): number {
    const { limits, memory } = this.#core;
    return memory.bytes < limits.readyTotalBytesMax ? limits.readyBytesMax : Math.ceil(limits.readyBytesMax / 16);
  }

  #account(bytes: number): void {
    this.#freshBytes += bytes;
    this.#core.memory.bytes += bytes;
  }

  #readFresh(): void {
    if (!this.#behind || this.#readingFresh || this.#paused) return;
    const from = this.#cursor;
    this.#readingFresh = true;
    this.#readAhead = Math.min(2 * this.#readAhead, this.#core.limits.readyMessagesMax);
    const limits = { messagesMax: Math.min(this.#readAhead, this.#windowMax), bytesMax: this.#windowBytesMax };
    this.#read({ kind: 'after', seq: from }, limits, (result) => {
      this.#readingFresh = false;
      if (this.#paused) return;
      // a pause in the meantime took the cursor back: what was read begins too late
      if (this.#cursor !== from) return this.#changed();
      for (const stored of result.messages) {
        this.#fresh.push(Entry.read(stored, this.#reach));
        this.#account(stored.message.body.length);
        this.#cursor = stored.seq;
      }
      this.#behind = result.more;
      this.#changed();
    });
  }

  #readDeferred(): void {
    const mark = this.#deferredMark;
    if (mark === undefined || this.#readingDeferred || this.#paused) return;
    this.#readingDeferred = true;
    const { readyMessagesMax, readyBytesMax } = this.#core.limits;
    // there are none in most queues
    const messagesMax = mark.due === 0 ? Math.min(READ_AHEAD_MIN, readyMessagesMax) : readyMessagesMax;
    const limits = { messagesMax, bytesMax: readyBytesMax };
    this.#read({ kind: 'due', ...mark }, limits, (result) => {
      this.#readingDeferred = false;
      // the mark went back in the meantime: what was read begins too late
      if (this.#deferredMark !== mark) return this.#changed();
      for (const stored of result.messages) this.#deferred.push(withoutBody(stored, this.#reach));
      const last = result.messages.at(-1);
      this.#deferredMark = result.more && last !== undefined ? { due: last.due, seq: last.seq } : undefined;
      this.#promoteDue();
      this.#changed();
    });
  }

  /** Reads the bodies of the messages that come next among those that came back. */
  #fetch(): void {
    if (this.#fetching || this.#paused) return;
    this.#fetching = true;
    const next: Entry[] = [];
    while (next.length < FETCH_MAX) {
      const entry = this.#returned.pop();
      if (entry === undefined) break;
      next.push(entry);
    }
    for (const entry of next) this.#returned.push(entry);
    const selection = { kind: 'these', seqs: next.map((entry) => entry.seq) } as const;
    this.#read(selection, { messagesMax: next.length, bytesMax: this.#windowBytesMax }, (result) => {
      this.#fetching = false;
      if (this.#paused) return;
      const bodies = new Map(result.messages.map((stored) => [stored.seq, stored.message]));
      const upTo = result.more ? (result.messages.at(-1)?.seq ?? 0) : Number.POSITIVE_INFINITY;
      for (const entry of next) {
        entry.message ??= bodies.get(entry.seq);
        // the store can't read it any more: it stays there, and the others go on
        if (entry.message === undefined && entry.seq <= upTo && entry.heapIndex >= 0) this.#returned.remove(entry);
      }
      this.#changed();
    });
  }

  #read(selection: Selection, limits: ReadLimits, take: (result: ReadResult) => void): void {
    this.#core.reads.read({ queue: this.#queue, selection, limits, take });
  }

  #defer(entry: Entry): void {
    entry.message = undefined;
    if (this.#isOnDiskOnly(entry)) return;
    this.#deferred.push(entry);
    if (this.#deferred.size > 2 * this.#core.limits.readyMessagesMax) this.#forgetLatest();
    this.#setDueAlarm();
  }

  /** Too many to keep: the later half is found on disk again when its time comes nearer. */
  #forgetLatest(): void {
    const inOrder = this.#deferred.drain();
    const kept = inOrder.filter((entry, i) => i < this.#core.limits.readyMessagesMax || !byDue(this.#promoted, entry));
    for (const entry of kept) this.#deferred.push(entry);
    const last = kept.at(-1);
    if (last === undefined) return;
    // one with a shorter delay may come after a later one has been taken: that one must not be read again
    this.#deferredMark = byDue(last, this.#promoted) ? this.#promoted : { due: last.due, seq: last.seq };
  }

  #promoteDue(): void {
    if (this.#deferred.size === 0) {
      if (this.#deferredMark?.due !== 0) this.#readDeferred();
      return;
    }
    const now = this.#core.clock.now();
    const room = this.#core.limits.readyMessagesMax;
    let first = this.#deferred.first();
    while (first !== undefined && first.due <= now && this.#returned.size < room) {
      this.#deferred.remove(first);
      this.#return(first);
      first = this.#deferred.first();
    }
    if (first === undefined) this.#readDeferred();
    else if (first.due > now) this.#setDueAlarm();
  }

  #setDueAlarm(): void {
    const first = this.#deferred.first();
    if (first !== undefined && !this.#paused) this.#core.deadlines.setNoLater(this.#dueAlarm, first.due);
  }
}

function withoutBody(stored: QueuedMessage, reach: number): Entry {
  const entry = Entry.read(stored, reach);
  entry.message = undefined;
  return entry;
}
