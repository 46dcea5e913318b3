/** The heap against an array that is sorted at each step. */
import { describe, expect, it } from 'vitest';
import { Heap, type HeapItem } from '../../src/broker/heap.ts';
import { SeededRandom } from '../support/seeded-random.ts';

class Item implements HeapItem {
  heapIndex = -1;
  readonly rank: number;

  constructor(rank: number) {
    this.rank = rank;
  }
}

const byRank = (a: Item, b: Item): boolean => a.rank < b.rank;
const ranks = (items: readonly Item[]): number[] => items.map(({ rank }) => rank);

function heapOf(...of: readonly number[]): { heap: Heap<Item>; items: readonly Item[] } {
  const heap = new Heap<Item>(byRank);
  const items = of.map((rank) => new Item(rank));
  for (const item of items) heap.push(item);
  return { heap, items };
}

describe('a heap', () => {
  it.each(Array.from({ length: 10 }, (_, seed) => seed))('has what a sorted array has, whatever is done (seed %i)', (seed) => {
    const random = new SeededRandom(seed);
    const heap = new Heap<Item>(byRank);
    const inside: Item[] = [];
    const tookOut: [Item | undefined, Item | undefined][] = [];
    // grows first, then shrinks
    for (let step = 0; step < 120; step++) {
      if (random.chance(step < 60 ? 0.7 : 0.3)) {
        const item = new Item(random.next());
        heap.push(item);
        inside.push(item);
        inside.sort((a, b) => a.rank - b.rank);
      } else {
        const at = random.chance(0.5) ? 0 : random.between(0, inside.length - 1);
        const [out] = inside.splice(at, 1);
        const popped = at === 0 ? heap.pop() : out;
        if (at > 0 && out !== undefined) heap.remove(out);
        tookOut.push([popped, out]);
      }
      expect(heap.size).toBe(inside.length);
      expect(heap.first()).toBe(inside[0]);
      expect(inside.every((item) => heap.items[item.heapIndex] === item)).toBe(true);
    }
    for (const [popped, wanted] of tookOut) expect(popped).toBe(wanted);
    expect(tookOut.every(([out]) => out === undefined || out.heapIndex === -1)).toBe(true);
    expect(heap.drain()).toEqual(inside);
  });

  it('has each of several equals', () => {
    const { heap, items } = heapOf(2, 1, 2, 1, 2);
    const popped = items.map(() => heap.pop());
    expect(popped.map((item) => item?.rank)).toEqual([1, 1, 2, 2, 2]);
    expect(new Set(popped).size).toBe(5);
  });

  it('has nothing when it is empty', () => {
    const { heap } = heapOf();
    expect([heap.first(), heap.pop(), heap.size, heap.drain()]).toEqual([undefined, undefined, 0, []]);
  });

  it('that is drained returns all in order, and is empty', () => {
    const { heap, items } = heapOf(3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8);
    expect(ranks(heap.drain())).toEqual([1, 1, 2, 3, 3, 4, 5, 5, 5, 6, 8, 9]);
    expect(heap.size).toBe(0);
    for (const item of items) expect(item.heapIndex).toBe(-1);
    const [any] = items;
    if (any !== undefined) heap.push(any);
    expect(heap.first()).toBe(any);
  });

  it('is not changed by the removal of what is not in it', () => {
    const { heap, items } = heapOf(1, 2, 3);
    heap.remove(new Item(0));
    const [first] = items;
    for (let n = 0; n < 2; n++) if (first !== undefined) heap.remove(first);
    expect(ranks(heap.drain())).toEqual([2, 3]);
  });
});
