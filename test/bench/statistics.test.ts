import { describe, expect, test } from 'vitest';
import { medianOf, percentileOf, spreadOf } from '../../bench/lib/statistics.ts';

describe('statistics', () => {
  test('the median is the middle one, or the mean of the two in the middle', () => {
    expect(medianOf([3, 1, 2])).toBe(2);
    expect(medianOf([10, 1, 2, 4])).toBe(3);
    expect(medianOf([7])).toBe(7);
  });

  test('numbers are compared as numbers, and the values are left as they were', () => {
    const values = [100, 9, 20];
    expect(medianOf(values)).toBe(20);
    expect(values).toEqual([100, 9, 20]);
  });

  test('a spread has the smallest and the largest beside the median', () => {
    expect(spreadOf([30, 4, 100])).toEqual({ median: 30, min: 4, max: 100 });
  });

  test('a percentile is a value that so many do not exceed', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect(percentileOf(hundred, 0.99)).toBe(99);
    expect(percentileOf(hundred, 0.5)).toBe(50);
    expect(percentileOf(hundred, 1)).toBe(100);
    expect(percentileOf([5], 0.01)).toBe(5);
  });

  test('nothing has no figures', () => {
    expect(spreadOf([])).toEqual({ median: Number.NaN, min: Number.NaN, max: Number.NaN });
    expect(percentileOf([], 0.5)).toBeNaN();
  });
});
