import { describe, expect, it } from 'vitest';
import { isClean, markdown, type Outcome, type Report } from '../../prove/lib/report.ts';
import { NOTHING_FOUND } from '../../prove/lib/rig.ts';

const report = (...outcomes: Outcome[]): Report => ({ commit: 'abc1234', seed: 7, quick: true, machine: 'a machine', outcomes });
const clean: Outcome = {
  id: 'crashes',
  title: 'Crashes',
  seconds: 12.3,
  findings: { ...NOTHING_FOUND, tries: 12_345, confirmed: 12_000, unknown: 3, details: { crashes: 20, redeliveries: 1500 } },
};
const broken: Outcome = {
  ...clean,
  id: 'power',
  findings: { ...NOTHING_FOUND, lost: 2, violations: ['a is lost', 'b is lost'] },
};

describe('the report', () => {
  it('has a row for each rig, with what was counted and done', () => {
    expect(markdown(report(clean)).split('\n')).toEqual([
      'A short run of commit abc1234, seed 7, on a machine.',
      '',
      '| rig | tries | confirmed | unknown | lost | duplicated | reordered | violations | what was done | time |',
      '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- |',
      '| crashes | 12,345 | 12,000 | 3 | 0 | 0 | 0 | 0 | crashes 20, redeliveries 1,500 | 12 s |',
      '',
    ]);
  });

  it('names what was broken', () => {
    expect(markdown(report(clean, broken))).toContain('power:\n\n- a is lost\n- b is lost\n');
  });

  it('says why a rig was skipped, or what it failed of', () => {
    const text = markdown(
      report(
        { id: 'one', title: '', seconds: 0, skipped: 'it needs root' },
        { id: 'two', title: '', seconds: 0, failed: 'no port' },
      ),
    );
    expect(text).toContain('skipped: it needs root');
    expect(text).toContain('failed: no port');
  });

  it('is clean unless a promise was broken or a rig failed', () => {
    expect(isClean(report(clean, { id: 'one', title: '', seconds: 0, skipped: 'it needs root' }))).toBe(true);
    expect(isClean(report(clean, broken))).toBe(false);
    expect(isClean(report(clean, { id: 'two', title: '', seconds: 0, failed: 'no port' }))).toBe(false);
  });
});
