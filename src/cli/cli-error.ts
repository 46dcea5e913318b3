/** What ends a command, in a line for the person who typed it; and the exit codes. */

export const EXIT = {
  ok: 0,
  /** It was refused or went wrong, or `check` found something. */
  failed: 1,
  /** An option, argument or setting that can not be. */
  usage: 2,
  /** There is no broker at the address. */
  unreachable: 3,
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = EXIT.failed, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
