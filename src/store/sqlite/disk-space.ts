/**
 * Watches how much room is left where the data lie. Acknowledgements need room as well, to be written down before what they settle
 * makes some: so publishes must stop while there is a reserve left for them.
 *
 * Looks without waiting, and more often when it is getting tight. Where it can't tell, there is enough.
 */
import { statfs } from 'node:fs/promises';

export interface DiskSpaceOptions {
  readonly directory: string;
  /** Bytes that publishes must leave free; 0 to take what there is. */
  readonly reserveBytes: number;
  /** Free bytes there. */
  readonly freeBytes?: (directory: string) => Promise<number>;
  /** Called whenever `isLow` changes. */
  readonly changed: (isLow: boolean, freeBytes: number) => void;
}

const INTERVAL_MS = 1000;
/** When less than some times the reserve is free. */
const TIGHT_INTERVAL_MS = 100;
const TIGHT_FACTOR = 8;
/** Publishes go on when so much more than the reserve is free, so that they don't stop again at once. */
const RELIEF_FACTOR = 1.25;

export class DiskSpace {
  isLow = false;
  readonly #options: Required<DiskSpaceOptions>;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  /** Has looked once when it resolves. */
  static async watch(options: DiskSpaceOptions): Promise<DiskSpace> {
    const space = new DiskSpace(options);
    if (options.reserveBytes > 0) await space.#look();
    return space;
  }

  private constructor(options: DiskSpaceOptions) {
    this.#options = { freeBytes: freeBytesIn, ...options };
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    const { directory, reserveBytes, freeBytes, changed } = this.#options;
    const free = await freeBytes(directory).catch(() => Number.POSITIVE_INFINITY);
    if (this.#ended) return;
    const isLow = free < (this.isLow ? RELIEF_FACTOR * reserveBytes : reserveBytes);
    if (isLow !== this.isLow) {
      this.isLow = isLow;
      changed(isLow, free);
    }
    this.#timer = setTimeout(() => void this.#look(), free < TIGHT_FACTOR * reserveBytes ? TIGHT_INTERVAL_MS : INTERVAL_MS);
    this.#timer.unref();
  }
}

/** As much as a process without privileges may use. */
async function freeBytesIn(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}
