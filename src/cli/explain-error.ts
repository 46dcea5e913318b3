/** Says in a line or few what went wrong, without a stack, and with which exit code the command ends. */
import { HoldfastError } from '../client/index.ts';
import { ConfigError } from '../config.ts';
import { CliError, EXIT, type ExitCode } from './cli-error.ts';

export interface Explanation {
  readonly lines: readonly string[];
  readonly exitCode: ExitCode;
}

/** Errors that other rooms throw for people to read; known by name, as the command line may not import them. */
const MEANT_FOR_PEOPLE: readonly string[] = ['ServeError', 'StoreError'];

const SYSTEM: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use, perhaps by another broker; choose another one with --port',
  EADDRNOTAVAIL: 'this machine does not have that address; choose another one with --host',
  EACCES: 'permission denied',
};

export function explainError(error: unknown): Explanation {
  if (error instanceof CliError) return { lines: [error.message], exitCode: error.exitCode };
  if (error instanceof ConfigError) return { lines: error.problems, exitCode: EXIT.usage };
  if (error instanceof HoldfastError) return explainHoldfastError(error);
  if (!(error instanceof Error)) return { lines: [String(error)], exitCode: EXIT.failed };
  if (MEANT_FOR_PEOPLE.includes(error.name)) return { lines: [error.message], exitCode: EXIT.failed };
  const code = 'code' in error && typeof error.code === 'string' && 'syscall' in error ? error.code : undefined;
  if (code === undefined) return { lines: [error.stack ?? error.message], exitCode: EXIT.failed };
  const hint = SYSTEM[code];
  return { lines: [hint === undefined ? error.message : `${hint} (${error.message})`], exitCode: EXIT.failed };
}

function explainHoldfastError(error: HoldfastError): Explanation {
  switch (error.code) {
    case 'unreachable':
      return { lines: [error.message], exitCode: EXIT.unreachable };
    case 'unauthenticated':
      return { lines: [`${error.message}. Give it as --token or HOLDFAST_TOKEN`], exitCode: EXIT.failed };
    case 'taken_over':
      return { lines: ['another connection has taken this client name over'], exitCode: EXIT.failed };
    case 'bad_field':
      return { lines: [error.message], exitCode: EXIT.usage };
    default:
      return { lines: [`${error.message} (${error.code})`], exitCode: EXIT.failed };
  }
}
