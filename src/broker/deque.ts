/** A first-in-first-out line in a ring of slots: `shift` costs the same however long it is. */
export class Deque<Item> {
  #slots: (Item | undefined)[] = new Array<Item | undefined>(8).fill(undefined);
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  first(): Item | undefined {
    return this.#slots[this.#head];
  }

  push(item: Item): void {
    if (this.#size === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#size) & (this.#slots.length - 1)] = item;
    this.#size++;
  }

  shift(): Item | undefined {
    const item = this.#slots[this.#head];
    if (this.#size === 0) return undefined;
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#size--;
    return item;
  }

  clear(): void {
    this.#slots = new Array<Item | undefined>(8).fill(undefined);
    this.#head = 0;
    this.#size = 0;
  }

  #grow(): void {
    const inOrder = [...this.#slots.slice(this.#head), ...this.#slots.slice(0, this.#head)];
    this.#slots = [...inOrder, ...new Array<Item | undefined>(inOrder.length).fill(undefined)];
    this.#head = 0;
  }
}
