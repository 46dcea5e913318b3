import { describe, expect, test } from 'vitest';
import { readCommandLine, UsageError } from '../../bench/lib/command-line.ts';
import { scenario } from './sample-results.ts';

const all = ['s1', 's2', 's3'].map((id) => ({ ...scenario(), id }));
const read = (line: string) =>
  readCommandLine(
    line.split(' ').filter((word) => word !== ''),
    all,
    ['nats', 'rabbitmq'],
  );

describe('the command line of the bench', () => {
  test('means all scenarios on Holdfast alone when nothing is said', () => {
    expect(read('')).toMatchObject({ scenarios: all, peers: [], quick: false, rounds: undefined, doc: false });
  });

  test('takes scenarios in any order and runs them in theirs', () => {
    expect(read('S3 s1').scenarios.map(({ id }) => id)).toEqual(['s1', 's3']);
  });

  test('takes --peers alone, before a scenario or another option, and with names', () => {
    expect(read('--peers').peers).toBe('all');
    expect(read('--peers s1')).toMatchObject({ peers: 'all', scenarios: [all[0]] });
    expect(read('s1 --peers --quick')).toMatchObject({ peers: 'all', quick: true });
    expect(read('--peers nats,rabbitmq s2')).toMatchObject({ peers: ['nats', 'rabbitmq'], scenarios: [all[1]] });
    expect(read('--peers=nats').peers).toEqual(['nats']);
  });

  test('takes numbers and files', () => {
    expect(read('--rounds 3 --bodies a,b --json out --directory there')).toMatchObject({
      rounds: 3,
      bodyFiles: ['a', 'b'],
      json: 'out',
      directory: 'there',
    });
  });

  test.each([
    ['s4', 'there is no scenario s4; there are s1, s2, s3'],
    ['--peers kafka', 'there is no peer kafka; there are nats, rabbitmq'],
    ['--rounds 0', '--rounds must be a number from 1 to 9999, not 0'],
    ['--slow', /^Unknown option '--slow'; the options are --peers, --quick, [^\n]*--help$/],
    ['--rounds', /^Option '--rounds <value>' argument missing; the options are /],
  ])('refuses %s in one line that says what would be right', (line, message) => {
    expect(() => read(line)).toThrow(UsageError);
    expect(() => read(line)).toThrow(message);
  });
});
