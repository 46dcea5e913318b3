/** Runs the command line once, from its arguments to its exit code. Nothing that goes wrong leaves here as an exception. */
import { CommanderError } from 'commander';
import { EXIT, type ExitCode } from './cli-error.ts';
import { explainError } from './explain-error.ts';
import { buildProgram, type CliDependencies } from './program.ts';

/** What the program itself takes, rather than a command. */
const PROGRAM_FLAGS: readonly string[] = ['-h', '--help', '--version'];

export async function run(args: readonly string[], dependencies: CliDependencies): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  const program = buildProgram(dependencies, (code) => (exitCode = code));
  try {
    await program.parseAsync(withCommand(args), { from: 'user' });
    return exitCode;
  } catch (error) {
    // commander has said it all already
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const explanation = explainError(error);
    for (const line of explanation.lines) process.stderr.write(`holdfast: ${line}\n`);
    return explanation.exitCode;
  }
}

/** Without a command the broker is served. */
function withCommand(args: readonly string[]): readonly string[] {
  const [first] = args;
  if (first === undefined || (first.startsWith('-') && !PROGRAM_FLAGS.includes(first))) return ['serve', ...args];
  return args;
}
