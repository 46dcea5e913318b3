/** How the value of an option is written: sizes as `64KiB`, durations as `500ms`, read from text, checked, and printed back. */

import type { AmountOption, Option } from './options.ts';

export type OptionValue = string | number | readonly string[] | undefined;

type Unit = 'count' | 'bytes' | 'ms';

const SCALES: Readonly<Record<Unit, ReadonlyMap<string, number>>> = {
  count: new Map([['', 1]]),
  bytes: new Map([
    ['GiB', 1024 ** 3],
    ['MiB', 1024 ** 2],
    ['KiB', 1024],
    ['', 1],
  ]),
  ms: new Map([
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
    ['ms', 1],
    ['', 1],
  ]),
};

const NOUNS: Readonly<Record<Unit, string>> = { count: 'a whole number', bytes: 'a size', ms: 'a duration' };
const EXAMPLES: Readonly<Record<Unit, string>> = {
  count: '',
  bytes: ', such as 65536, 64KiB or 1MiB',
  ms: ', such as 500ms, 5s, 5m or 1h',
};

/** The number that `text` stands for, in the unit's smallest step (bytes, milliseconds), or nothing when it stands for none. */
function parseAmount(text: string, unit: Unit): number | undefined {
  const match = /^(\d{1,16})([A-Za-z]*)$/.exec(text.trim());
  if (match === null) return undefined;
  const [, digits = '', suffix = ''] = match;
  for (const [name, scale] of SCALES[unit]) {
    if (name.toLowerCase() !== suffix.toLowerCase()) continue;
    const amount = Number(digits) * scale;
    return Number.isSafeInteger(amount) ? amount : undefined;
  }
  return undefined;
}

/** The shortest way to write an amount: 65536 bytes is `64KiB`, 300000 ms is `5m`, nothing at all is `0`. */
export function formatAmount(amount: number, unit: Unit): string {
  if (amount === 0) return '0';
  for (const [name, scale] of SCALES[unit]) {
    if (amount % scale === 0) return `${amount / scale}${name}`;
  }
  return String(amount);
}

type Outcome = { readonly expected?: never; readonly value: OptionValue } | { readonly expected: string };

/** The value that `text` stands for, or what it would have to be. */
export function parseValue(option: Option, text: string): Outcome {
  switch (option.kind) {
    case 'count':
    case 'bytes':
    case 'ms': {
      const value = parseAmount(text, option.kind);
      const fits = value !== undefined && value >= option.min && value <= option.max;
      return fits ? { value } : { expected: describeAmount(option) };
    }
    case 'choice':
      return option.choices.includes(text) ? { value: text } : { expected: `one of ${option.choices.join(', ')}` };
    case 'text':
      return text.trim() === '' ? { expected: 'something: it is empty' } : { value: text };
    case 'secret':
      return isToken(text) ? { value: text } : { expected: TOKEN_FORM };
    case 'origins':
      return parseOrigins(text);
  }
}

function parseOrigins(text: string): Outcome {
  const origins = text
    .split(',')
    .map((origin) => origin.trim())
    .filter((origin) => origin !== '');
  const wellFormed = origins.every((origin) => URL.canParse(origin) && new URL(origin).origin === origin);
  return wellFormed
    ? { value: origins }
    : { expected: 'origins such as https://app.example.com, without a path, separated by commas' };
}

/** It travels in an HTTP header, so it is plain ASCII. */
export const TOKEN_FORM = '1 to 4096 visible ASCII characters without a space';
export const isToken = (text: string): boolean => /^[!-~]{1,4096}$/.test(text);

function describeAmount({ kind, min, max }: AmountOption): string {
  return `${NOUNS[kind]} from ${formatAmount(min, kind)} to ${formatAmount(max, kind)}${EXAMPLES[kind]}`;
}
