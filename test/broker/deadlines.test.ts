/** Which alarms ring, in which order, and how often the clock is asked to wake for them. */
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/broker/clock.ts';
import { Alarm, Deadlines } from '../../src/broker/deadlines.ts';

/** Wakes at the very time that it was asked for. */
class Rig implements Clock {
  readonly rung: string[] = [];
  /** The times that it was asked to wake at. */
  readonly asked: number[] = [];
  readonly deadlines = new Deadlines(this);
  rests = 0;
  #now = 0;
  #wake: { readonly at: number; readonly call: () => void } | undefined;

  now(): number {
    return this.#now;
  }

  wakeAt(at: number, call: () => void): void {
    this.asked.push(at);
    this.#wake = { at, call };
  }

  rest(): void {
    this.rests++;
    this.#wake = undefined;
  }

  afterTurn(): void {
    throw new Error('deadlines plan nothing for the end of a turn');
  }

  alarm(name: string, then?: () => void): Alarm {
    return new Alarm(() => {
      this.rung.push(`${name} at ${this.#now}`);
      then?.();
    });
  }

  /** Sets an alarm for each time, named after it. */
  set(...times: readonly number[]): Alarm[] {
    return times.map((at) => {
      const alarm = this.alarm(String(at));
      this.deadlines.set(alarm, at);
      return alarm;
    });
  }

  /** Wakes no more often than there can be alarms to ring. */
  advanceTo(time: number): void {
    for (let wakes = 0; this.#wake !== undefined && this.#wake.at <= time; wakes++) {
      if (wakes > 100) throw new Error('it wakes again and again');
      const { at, call } = this.#wake;
      this.#now = Math.max(at, this.#now);
      this.#wake = undefined;
      call();
    }
    this.#now = time;
  }

  /** The clock was late: it is that time already when it wakes. */
  wakeLateAt(time: number): void {
    this.#now = time;
    this.advanceTo(time);
  }
}

describe('alarms', () => {
  it('ring once, each at its time, in whatever order they were set', () => {
    const rig = new Rig();
    const alarms = rig.set(30, 10, 50, 20, 40);
    rig.advanceTo(9);
    expect(rig.rung).toEqual([]);
    rig.advanceTo(100);
    expect(rig.rung).toEqual(['10 at 10', '20 at 20', '30 at 30', '40 at 40', '50 at 50']);
    expect(alarms.some(({ isSet }) => isSet)).toBe(false);
  });

  it('that are due when the clock is late ring together, the earliest first', () => {
    const rig = new Rig();
    rig.set(30, 10, 20, 40);
    rig.wakeLateAt(30);
    expect(rig.rung).toEqual(['10 at 30', '20 at 30', '30 at 30']);
    rig.advanceTo(40);
    expect(rig.rung.at(-1)).toBe('40 at 40');
  });

  it('of one time all ring at it', () => {
    const rig = new Rig();
    rig.set(10, 10, 10);
    rig.advanceTo(10);
    expect(rig.rung).toEqual(['10 at 10', '10 at 10', '10 at 10']);
  });

  it('that are set again ring at the new time only, earlier or later', () => {
    const rig = new Rig();
    const [first, second] = rig.set(10, 20);
    if (first === undefined || second === undefined) throw new Error('two were set');
    rig.deadlines.set(first, 30);
    rig.deadlines.set(second, 5);
    rig.advanceTo(100);
    expect(rig.rung).toEqual(['20 at 5', '10 at 30']);
  });

  it('that are set no later keep the earlier time', () => {
    const rig = new Rig();
    const alarm = rig.alarm('a');
    rig.deadlines.setNoLater(alarm, 20);
    rig.deadlines.setNoLater(alarm, 30);
    expect(alarm.at).toBe(20);
    rig.deadlines.setNoLater(alarm, 10);
    expect(alarm.at).toBe(10);
    rig.advanceTo(100);
    rig.deadlines.setNoLater(alarm, 120);
    rig.advanceTo(200);
    expect(rig.rung).toEqual(['a at 10', 'a at 120']);
  });

  it('that are cleared do not ring, and can be set again', () => {
    const rig = new Rig();
    const [first] = rig.set(10, 20);
    if (first === undefined) throw new Error('two were set');
    rig.deadlines.clear(first);
    expect(first.isSet).toBe(false);
    rig.deadlines.clear(first);
    rig.advanceTo(20);
    expect(rig.rung).toEqual(['20 at 20']);
    rig.deadlines.set(first, 30);
    rig.advanceTo(30);
    expect(rig.rung).toEqual(['20 at 20', '10 at 30']);
  });

  it('may be set by those that ring', () => {
    const rig = new Rig();
    const alarm: Alarm = rig.alarm('a', () => rig.deadlines.set(alarm, rig.now() + 10));
    rig.deadlines.set(alarm, 10);
    rig.advanceTo(35);
    expect(rig.rung).toEqual(['a at 10', 'a at 20', 'a at 30']);
  });

  it('do not ring any more after a stop', () => {
    const rig = new Rig();
    const alarms = rig.set(10, 20);
    rig.deadlines.stop();
    expect(rig.rests).toBe(1);
    expect(alarms.some(({ isSet }) => isSet)).toBe(false);
    rig.advanceTo(100);
    expect(rig.rung).toEqual([]);
  });
});

describe('the clock', () => {
  it('is asked only when an alarm is to ring before all others', () => {
    const rig = new Rig();
    rig.set(20, 30, 20, 10, 15, 10);
    expect(rig.asked).toEqual([20, 10]);
    rig.advanceTo(10);
    expect(rig.asked).toEqual([20, 10, 15]);
    rig.advanceTo(100);
    expect(rig.asked).toEqual([20, 10, 15, 20, 30]);
  });

  it('is not asked again when nothing is left', () => {
    const rig = new Rig();
    rig.set(10);
    rig.advanceTo(100);
    expect(rig.asked).toEqual([10]);
    rig.set(110);
    expect(rig.asked).toEqual([10, 110]);
  });

  it('may wake in vain for an alarm that was cleared, and then waits for the next', () => {
    const rig = new Rig();
    const [first] = rig.set(10, 20);
    if (first !== undefined) rig.deadlines.clear(first);
    rig.advanceTo(10);
    expect(rig.rung).toEqual([]);
    expect(rig.asked).toEqual([10, 20]);
    rig.advanceTo(20);
    expect(rig.rung).toEqual(['20 at 20']);
  });
});
