/** The options of all commands that are clients, and the connection that they ask for. */
import { type Command, Option } from 'commander';
import { type Client, connect, type ConnectOptions, HoldfastError } from '../client/index.ts';
import { CliError, EXIT } from './cli-error.ts';
import { whyUnreachable } from './why-unreachable.ts';

const DEFAULT_URL = 'ws://127.0.0.1:4653';
export const URL_VARIABLE = 'HOLDFAST_URL';

export interface ClientFlags {
  readonly url: string;
  readonly token?: string;
  readonly client?: string;
  readonly namespace?: string;
}

export function addClientOptions(command: Command): Command {
  return command
    .addOption(new Option('--url <url>', 'address of the broker').env(URL_VARIABLE).default(DEFAULT_URL))
    .addOption(new Option('--token <secret>', 'token of the broker; better in the environment').env('HOLDFAST_TOKEN'))
    .option('--client <name>', 'name of this client; the inbox @name belongs to it')
    .option('--namespace <name>', 'namespace to work in');
}

/** @throws {CliError} that says why there is no connection. */
export async function connectWith(flags: ClientFlags, options: ConnectOptions = {}): Promise<Client> {
  const { url, token, client, namespace } = flags;
  try {
    return await connect(url, {
      ...options,
      ...(token === undefined ? {} : { token }),
      ...(client === undefined ? {} : { client }),
      ...(namespace === undefined ? {} : { namespace }),
    });
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'unreachable') throw error;
    throw new CliError(await whyUnreachable(url), EXIT.unreachable, { cause: error });
  }
}
