/** The options of `serve`, made from the one table of them, and the configuration that comes of them. */
import { type Command, Option } from 'commander';
import { type Config, type Environment, type Flags, resolveConfig } from '../config.ts';
import { type OptionHelp, optionsHelp } from '../options/option-help.ts';
import { URL_VARIABLE } from './client-options.ts';

export function addServeOptions(command: Command): void {
  for (const help of optionsHelp()) {
    const option = new Option(`--${help.flag} <${help.placeholder}>`, description(help));
    // commander keeps the last of several otherwise
    if (help.placeholder === 'origin')
      option.argParser((text: string, before: readonly string[] | undefined) => [...(before ?? []), text]);
    command.addOption(option);
  }
}

/** @throws {ConfigError} naming everything that is wrong. */
export function serveConfig(flags: Flags, environment: Environment): Config {
  // this one is the clients' own, and may well be set where a broker is started
  const { [URL_VARIABLE]: _url, ...settings } = environment;
  return resolveConfig(flags, settings);
}

function description(help: OptionHelp): string {
  const details = [`env: ${help.environment}`, help.default && `default: ${help.default}`, help.range];
  return `${help.help} (${details.filter((detail) => detail !== '').join(', ')})`;
}
