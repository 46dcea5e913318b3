/** Values of the clients' flags, read from text and checked. */
import { InvalidArgumentError } from 'commander';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, '': 1 };

/** A duration in ms. */
export function parseDuration(text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,12})([a-z]*)$/.exec(text) ?? [];
  const scale = UNITS[unit];
  if (digits === '' || scale === undefined) throw new InvalidArgumentError('It must be a duration such as 500ms, 5s, 5m or 1h.');
  return Number(digits) * scale;
}

export function parsePositive(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1.');
  return Number(text);
}

/** Gathers repeated `key=value`. */
export function parseHeader(
  text: string,
  before: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  const equals = text.indexOf('=');
  if (equals < 1) throw new InvalidArgumentError('It must be key=value.');
  return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) };
}
