/** The words about each option, for `--help` and docs/configuration.md alike. */

import { formatAmount } from './option-value.ts';
import { OPTIONS, type Option } from './options.ts';

export interface OptionHelp {
  readonly flag: string;
  /** What stands for the value, unit included: `size`, `duration`, `number` … */
  readonly placeholder: string;
  readonly environment: string;
  /** As one would write it; empty when there is none. */
  readonly default: string;
  /** Empty for free text. */
  readonly range: string;
  readonly help: string;
}

export function environmentName(option: Option): string {
  return `HOLDFAST_${option.flag.replaceAll('-', '_').toUpperCase()}`;
}

export function optionsHelp(): readonly OptionHelp[] {
  return Object.values<Option>(OPTIONS).map((option) => ({
    flag: option.flag,
    placeholder: placeholderOf(option),
    environment: environmentName(option),
    default: defaultOf(option),
    range: rangeOf(option),
    help: option.help,
  }));
}

function placeholderOf(option: Option): string {
  switch (option.kind) {
    case 'count':
      return 'number';
    case 'bytes':
      return 'size';
    case 'ms':
      return 'duration';
    case 'choice':
      return 'level';
    case 'origins':
      return 'origin';
    case 'text':
    case 'secret':
      return option.placeholder;
  }
}

function defaultOf(option: Option): string {
  switch (option.kind) {
    case 'count':
    case 'bytes':
    case 'ms':
      return formatAmount(option.default, option.kind);
    case 'origins':
      return option.default.join(',');
    case 'choice':
    case 'text':
    case 'secret':
      return option.default ?? '';
  }
}

function rangeOf(option: Option): string {
  switch (option.kind) {
    case 'count':
    case 'bytes':
    case 'ms':
      return `${formatAmount(option.min, option.kind)} to ${formatAmount(option.max, option.kind)}`;
    case 'choice':
      return option.choices.join(', ');
    case 'origins':
    case 'text':
    case 'secret':
      return '';
  }
}
