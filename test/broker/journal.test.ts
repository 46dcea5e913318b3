/** What the journal commits together, when it goes off, and what is told when. The store is the test itself. */
import { describe, expect, it } from 'vitest';
import { Deadlines } from '../../src/broker/deadlines.ts';
import { Journal } from '../../src/broker/journal.ts';
import type { Change, CommitReport, PublishVerdict, Store } from '../../src/store/store.ts';
import { ManualClock } from '../support/manual-clock.ts';

const UNCOMMITTED_MAX = 10_000;
/** What a change weighs beside its body, in bytes. */
const CHANGE_BYTES = 200;
const FULL = 256;

const published: Change = { kind: 'publish', publications: [] };
const settled: Change = { kind: 'settle', queue: 1, messages: [] };

class Rig {
  readonly clock = new ManualClock();
  /** How many changes each commit had. */
  readonly sizes: number[] = [];
  /** What happened, in its order. */
  readonly told: string[] = [];
  readonly failures: unknown[] = [];
  readonly journal: Journal;
  readonly #commits: { readonly resolve: (report: CommitReport) => void; readonly reject: (error: unknown) => void }[] = [];

  constructor() {
    const clock = this.clock.start();
    const commit = (changes: readonly Change[]): Promise<CommitReport> => {
      this.sizes.push(changes.length);
      return new Promise((resolve, reject) => this.#commits.push({ resolve, reject }));
    };
    this.journal = new Journal({
      store: { commit } as Partial<Store> as Store,
      clock,
      deadlines: new Deadlines(clock),
      uncommittedBytesMax: UNCOMMITTED_MAX,
      committed: () => this.told.push('committed'),
      failed: (error) => this.failures.push(error),
    });
  }

  stage(count = 1, change: Change = published, bodyBytes = 0): void {
    for (let i = 0; i < count; i++) this.journal.stage(change, bodyBytes, () => undefined);
  }

  /** Stages one whose end is told under this name, with its verdict. */
  tell(name: string): void {
    this.journal.stage(published, 0, (verdict) => this.told.push(verdict === undefined ? name : `${name}: ${verdict.kind}`));
  }

  stagePatiently(count = 1): void {
    for (let i = 0; i < count; i++) this.journal.stagePatiently(settled, () => this.told.push('settled'));
  }

  turn(): Promise<boolean> {
    return this.clock.turn();
  }

  /** The oldest commit is durable. */
  async durable(report: ReadonlyMap<number, PublishVerdict> = new Map()): Promise<void> {
    this.#commits.shift()?.resolve(report);
    await this.turn();
  }

  async fail(error: unknown): Promise<void> {
    this.#commits.shift()?.reject(error);
    await this.turn();
  }
}

describe('a batch', () => {
  it('is what one turn brought, and goes off at its end', async () => {
    const rig = new Rig();
    rig.stage(3);
    expect(rig.sizes).toEqual([]);
    await rig.turn();
    expect(rig.sizes).toEqual([3]);
    await rig.turn();
    expect(rig.sizes).toEqual([3]);
  });

  it('waits for company while another one is written, and goes off when that is durable', async () => {
    const rig = new Rig();
    rig.stage();
    await rig.turn();
    for (let n = 0; n < 3; n++) {
      rig.stage(85);
      await rig.turn();
    }
    expect(rig.sizes).toEqual([1]);
    await rig.durable();
    expect(rig.sizes).toEqual([1, 255]);
  });

  it('that is full goes to the writer beside another one, but not beside two', async () => {
    const rig = new Rig();
    rig.stage(1, settled);
    await rig.turn();
    rig.stage(FULL - 1, settled);
    await rig.turn();
    expect(rig.sizes).toEqual([1]);
    rig.stage(1, settled);
    await rig.turn();
    expect(rig.sizes).toEqual([1, FULL]);
    rig.stage(FULL + 1, settled);
    await rig.turn();
    expect(rig.sizes).toEqual([1, FULL]);
    await rig.durable();
    expect(rig.sizes).toEqual([1, FULL, FULL + 1]);
  });

  it('of nothing but publishes does not wait for the end of the turn when it is full', async () => {
    const rig = new Rig();
    rig.stage(FULL - 1);
    expect(rig.sizes).toEqual([]);
    rig.stage(1);
    expect(rig.sizes).toEqual([FULL]);
    rig.stage(3);
    await rig.turn();
    expect(rig.sizes).toEqual([FULL]);
    await rig.durable();
    expect(rig.sizes).toEqual([FULL, 3]);
  });

  it('waits for it with settlements in it, and after one that had some', async () => {
    const rig = new Rig();
    rig.stage(1, settled);
    rig.stage(FULL - 1);
    expect(rig.sizes).toEqual([]);
    await rig.turn();
    expect(rig.sizes).toEqual([FULL]);
    rig.stage(FULL);
    expect(rig.sizes).toEqual([FULL]);
    await rig.turn();
    expect(rig.sizes).toEqual([FULL, FULL]);
    await rig.durable();
    rig.stage(FULL);
    expect(rig.sizes).toEqual([FULL, FULL, FULL]);
  });

  it('that nobody awaits goes off after some ms, also while another one is written, and earlier when it is full', async () => {
    const rig = new Rig();
    rig.stagePatiently(2);
    await rig.clock.advance(4);
    expect(rig.sizes).toEqual([]);
    await rig.clock.advance(2);
    expect(rig.sizes).toEqual([2]);
    rig.stagePatiently(3);
    await rig.clock.advance(6);
    expect(rig.sizes).toEqual([2]);
    await rig.durable();
    expect(rig.sizes).toEqual([2, 3]);
    await rig.durable();
    rig.stagePatiently(FULL);
    await rig.turn();
    expect(rig.sizes).toEqual([2, 3, FULL]);
  });

  it('goes off at its end of the turn when somebody wants to know when all is durable', async () => {
    const rig = new Rig();
    await rig.journal.durable();
    rig.stagePatiently(2);
    const durable = rig.journal.durable().then(() => rig.told.push('durable'));
    expect(rig.sizes).toEqual([]);
    await rig.turn();
    expect(rig.sizes).toEqual([2]);
    // what is asked for while the last one is written waits for that
    void rig.journal.durable().then(() => rig.told.push('durable too'));
    await rig.turn();
    expect(rig.told).toEqual([]);
    await rig.durable();
    await durable;
    expect(rig.told).toEqual(['settled', 'settled', 'committed', 'durable', 'durable too']);
    rig.stagePatiently();
    await rig.turn();
    void rig.journal.durable();
    expect(rig.sizes).toEqual([2, 1]);
  });
});

describe('what a commit brings about', () => {
  it('is told in the order in which it was staged, each with its verdict, and then once for all', async () => {
    const rig = new Rig();
    for (const name of ['a', 'b', 'c']) rig.tell(name);
    await rig.turn();
    expect(rig.told).toEqual([]);
    await rig.durable(new Map([[1, { kind: 'conflict', publication: 0 }]]));
    expect(rig.told).toEqual(['a', 'b: conflict', 'c', 'committed']);
  });

  it('is told when the next batch is at the writer', async () => {
    const rig = new Rig();
    rig.journal.stage(published, 0, () => rig.told.push(`commits: ${rig.sizes.length}`));
    await rig.turn();
    rig.stage();
    await rig.turn();
    await rig.durable();
    expect(rig.told).toEqual(['commits: 2', 'committed']);
  });
});

describe('how much may be uncommitted', () => {
  it('counts bodies and changes, staged and being written', async () => {
    const rig = new Rig();
    rig.stage(1, published, UNCOMMITTED_MAX - CHANGE_BYTES - 1);
    expect(rig.journal.saturated).toBe(false);
    await rig.turn();
    rig.journal.stagePatiently(settled, () => undefined);
    expect(rig.journal.saturated).toBe(true);
    await rig.durable();
    expect(rig.journal.saturated).toBe(false);
  });

  it('is reached with the very byte', () => {
    const rig = new Rig();
    rig.stage(1, published, UNCOMMITTED_MAX - CHANGE_BYTES);
    expect(rig.journal.saturated).toBe(true);
  });

  it('gives relief once, when less than half of it is left', async () => {
    const rig = new Rig();
    rig.stage(1, published, UNCOMMITTED_MAX);
    await rig.turn();
    rig.stage(1, published, UNCOMMITTED_MAX / 2 - CHANGE_BYTES);
    await rig.turn();
    rig.journal.onRelief(() => rig.told.push('relief'));
    await rig.durable();
    expect(rig.told).toEqual(['committed']);
    await rig.durable();
    expect(rig.told).toEqual(['committed', 'committed', 'relief']);
    rig.stage();
    await rig.turn();
    await rig.durable();
    expect(rig.told).toEqual(['committed', 'committed', 'relief', 'committed']);
  });
});

describe('a commit that fails', () => {
  it('is the end: it is told once, and nothing is committed or answered any more', async () => {
    const rig = new Rig();
    rig.tell('a');
    await rig.turn();
    rig.stage(FULL, settled);
    await rig.turn();
    rig.tell('b');
    await rig.fail(new Error('the disk is gone'));
    expect(rig.failures).toEqual([new Error('the disk is gone')]);
    // the commit that was under way as well
    await rig.durable();
    rig.tell('c');
    await rig.turn();
    void rig.journal.fail(new Error('another one'));
    expect(rig.failures).toHaveLength(1);
    expect([rig.told, rig.sizes]).toEqual([[], [1, FULL]]);
  });

  it('leaves those who asked for something without an answer', async () => {
    const rig = new Rig();
    void rig.journal.fail(new Error('a read failed')).then(() => rig.told.push('answered'));
    await rig.turn();
    expect([rig.told, rig.failures]).toEqual([[], [new Error('a read failed')]]);
  });
});
