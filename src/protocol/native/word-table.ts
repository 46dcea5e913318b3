/**
 * Finds a known word in bytes without making a string of it: words are told apart by length and first byte, then compared.
 * A frame has four to six keys, and a string a key would cost as much as all the rest of its decoding.
 */
export class WordTable<Word extends string> {
  readonly words: readonly Word[];
  readonly #slots: (readonly number[])[] = [];

  constructor(words: readonly Word[]) {
    this.words = words;
    const slots = new Map<number, number[]>();
    words.forEach((word, index) => {
      const slot = slotOf(word.length, word.charCodeAt(0));
      slots.set(slot, [...(slots.get(slot) ?? []), index]);
    });
    for (let slot = 0; slot < SLOTS; slot++) this.#slots.push(slots.get(slot) ?? []);
  }

  /** The word's index in `words`, or -1. */
  find(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    for (const index of this.#slots[slotOf(length, bytes[start] ?? 0)] ?? []) {
      if (this.words[index]?.length === length && equals(this.words[index], bytes, start)) return index;
    }
    return -1;
  }
}

const SLOTS = 512;
const slotOf = (length: number, first: number): number => ((length << 5) ^ first) & (SLOTS - 1);

export function equals(word: string, bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < word.length; i++) if (bytes[start + i] !== word.charCodeAt(i)) return false;
  return true;
}
