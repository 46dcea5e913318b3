/** Makes message ids: UUIDs of version 7 (RFC 9562, section 5.7), which sort by time. */

/** Random bytes are fetched this many at a time: asking for 10 costs as much as asking for 4,000. */
const POOL_BYTES = 4000;
const RANDOM_BYTES = 10;

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

export class MessageIds {
  readonly #pool = new Uint8Array(POOL_BYTES);
  #used = POOL_BYTES;

  next(now = Date.now()): string {
    if (this.#used === POOL_BYTES) {
      // `crypto.randomUUID` would not do: browsers have it on secure pages only
      crypto.getRandomValues(this.#pool);
      this.#used = 0;
    }
    const at = this.#used;
    this.#used += RANDOM_BYTES;
    const time = now.toString(16).padStart(12, '0');
    const random = (index: number): number => this.#pool[at + index] ?? 0;
    const hex = (index: number): string => HEX[random(index)] ?? '';
    const version = HEX[0x70 | (random(0) & 0x0f)] ?? '';
    const variant = HEX[0x80 | (random(2) & 0x3f)] ?? '';
    const node = hex(4) + hex(5) + hex(6) + hex(7) + hex(8) + hex(9);
    return `${time.slice(0, 8)}-${time.slice(8)}-${version}${hex(1)}-${variant}${hex(3)}-${node}`;
  }
}
