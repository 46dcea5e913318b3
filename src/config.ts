/**
 * From flags and environment to a checked `Config`: what is unknown, malformed or out of bounds is refused, all of it at once, in
 * words that say what to write instead. Pure but for reading the token's file, which is handed in. Never prints a secret.
 */

import { readFileSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { nearest } from './options/nearest.ts';
import { environmentName } from './options/option-help.ts';
import { formatAmount, isToken, type OptionValue, parseValue, TOKEN_FORM } from './options/option-value.ts';
import { OPTIONS, type Option, type OptionName, ORDERED } from './options/options.ts';

type ValueOf<O extends Option> = O extends { readonly kind: 'choice' }
  ? O['choices'][number]
  : O extends { readonly kind: 'origins' }
    ? readonly string[]
    : O extends { readonly default: infer D }
      ? D extends number
        ? number
        : D extends undefined
          ? string | undefined
          : string
      : never;

/** Every option's value, in the unit that its name ends with. The token's file has been read into `token`. */
export type Config = { readonly [Name in Exclude<OptionName, 'tokenFile'>]: ValueOf<(typeof OPTIONS)[Name]> };

/** What was typed: by flag name (`frame-max`) or, as commander has it, in camel case (`frameMax`). */
export type Flags = Readonly<Record<string, string | readonly string[] | undefined>>;
export type Environment = Readonly<Record<string, string | undefined>>;

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  /** One line for each thing that is wrong. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

const optionEntries = Object.entries(OPTIONS) as readonly (readonly [OptionName, Option])[];

/** @throws {ConfigError} naming everything that is wrong. A flag goes before its environment variable. */
export function resolveConfig(flags: Flags, environment: Environment, readText: (path: string) => string = readTextFile): Config {
  const problems = [...unknownFlags(flags), ...unknownVariables(environment)];
  const values = new Map<OptionName, OptionValue>();
  for (const [name, option] of optionEntries) {
    const given = whatWasGiven(option, flags, environment);
    if (given === undefined) {
      values.set(name, option.default);
      continue;
    }
    const outcome = parseValue(option, given.text);
    if (outcome.expected === undefined) values.set(name, outcome.value);
    else problems.push(`${given.shown}: must be ${outcome.expected}`);
  }
  if (problems.length === 0) problems.push(...readToken(values, readText), ...outOfOrder(values));
  if (problems.length > 0) throw new ConfigError(problems);
  values.delete('tokenFile');
  return Object.fromEntries(values) as unknown as Config;
}

/** Why a broker with this configuration must not listen: without a token only this machine may reach it. */
export function refusalToListen(config: Pick<Config, 'host' | 'token'>): string | undefined {
  if (config.token !== undefined || isLoopback(config.host)) return undefined;
  return (
    `refusing to listen on ${config.host} without a token: everybody who reaches it could read and write every message. ` +
    'Set HOLDFAST_TOKEN or --token-file, or listen on 127.0.0.1.'
  );
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

function isLoopback(host: string): boolean {
  const family = isIP(host);
  if (family === 0) return host.toLowerCase() === 'localhost';
  return loopback.check(host, family === 4 ? 'ipv4' : 'ipv6');
}

interface Given {
  readonly text: string;
  /** The way it was given, for a message about it: `--port 70000`, `HOLDFAST_PORT=70000`. */
  readonly shown: string;
}

function whatWasGiven(option: Option, flags: Flags, environment: Environment): Given | undefined {
  const secret = option.kind === 'secret';
  const typed = flags[option.flag] ?? flags[camelCase(option.flag)];
  if (typed !== undefined) {
    const text = typeof typed === 'string' ? typed : typed.join(',');
    return { text, shown: secret ? `--${option.flag}` : `--${option.flag} ${text || '""'}` };
  }
  const variable = environmentName(option);
  const text = environment[variable];
  if (text === undefined || isServiceLink(variable, text)) return undefined;
  return { text, shown: secret ? variable : `${variable}=${text}` };
}

function readToken(values: Map<OptionName, OptionValue>, readText: (path: string) => string): string[] {
  const path = values.get('tokenFile');
  if (typeof path !== 'string') return [];
  if (values.get('token') !== undefined)
    return ['both a token and a token file are given: set one of HOLDFAST_TOKEN and --token-file'];
  let token: string;
  try {
    token = readText(path).trim();
  } catch (error) {
    return [`token file ${path}: cannot be read (${error instanceof Error ? error.message : String(error)})`];
  }
  if (!isToken(token)) return [`token file ${path}: must hold ${TOKEN_FORM}`];
  values.set('token', token);
  return [];
}

function outOfOrder(values: ReadonlyMap<OptionName, OptionValue>): string[] {
  return ORDERED.flatMap(([low, high]) => {
    const [lowValue, highValue] = [Number(values.get(low)), Number(values.get(high))];
    if (lowValue <= highValue) return [];
    return [`${withValue(low, lowValue)}: must not be above ${withValue(high, highValue)}`];
  });
}

function withValue(name: OptionName, value: number): string {
  const option = OPTIONS[name];
  return `--${option.flag} ${option.kind === 'bytes' ? formatAmount(value, 'bytes') : value}`;
}

function unknownFlags(flags: Flags): string[] {
  const known = optionEntries.map(([, option]) => option.flag);
  return Object.keys(flags)
    .filter((flag) => flags[flag] !== undefined && !known.some((name) => flag === name || flag === camelCase(name)))
    .map((flag) => `--${flag}: there is no such option${suggestion(flag, known, '--')}`);
}

const PREFIX = 'HOLDFAST_';

function unknownVariables(environment: Environment): string[] {
  const known = optionEntries.map(([, option]) => environmentName(option).slice(PREFIX.length));
  return Object.entries(environment)
    .filter(([name, text = '']) => name.startsWith(PREFIX) && !isServiceLink(name, text))
    .map(([name]) => name.slice(PREFIX.length))
    .filter((name) => !known.includes(name))
    .map((name) => `${PREFIX}${name}: there is no such setting${suggestion(name, known, PREFIX)}`);
}

function suggestion(typed: string, known: readonly string[], prefix: string): string {
  const meant = nearest(typed, known);
  return meant === undefined ? '' : `. Did you mean ${prefix}${meant}?`;
}

/** Kubernetes sets these by itself, for a service named holdfast: HOLDFAST_PORT=tcp://10.0.0.7:4653, HOLDFAST_SERVICE_HOST … */
function isServiceLink(name: string, text: string): boolean {
  return (
    (name === 'HOLDFAST_PORT' && text.includes('://')) || /^HOLDFAST_(?:SERVICE_(?:HOST|PORT)|PORT_\d+_(?:TCP|UDP))/.test(name)
  );
}

function camelCase(flag: string): string {
  return flag.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function readTextFile(path: string): string {
  return readFileSync(path, 'utf8');
}
