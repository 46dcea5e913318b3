/** The command line: which commands there are, and what each can be told. */
import type { ChildProcess } from 'node:child_process';
import { Command, Option } from 'commander';
import type { Config } from '../config.ts';
import { type CheckResult, checkCommand } from './check-command.ts';
import { EXIT, type ExitCode } from './cli-error.ts';
import { addClientOptions } from './client-options.ts';
import { demoCommand } from './demo-command.ts';
import { parseDuration, parseHeader, parsePositive } from './flag-values.ts';
import { publishCommand } from './publish-command.ts';
import { addServeOptions, serveConfig } from './serve-options.ts';
import { subscribeCommand } from './subscribe-command.ts';

/** What the command line is handed, as it may not know how a broker is made. */
export interface CliDependencies {
  readonly version: string;
  /** Resolves when the broker has been stopped. */
  readonly serve: (config: Config) => Promise<void>;
  readonly check: (dataDir: string, repair: boolean) => Promise<CheckResult>;
  /** Starts this program again as a child process, with its stdout as a pipe. */
  readonly launch: (args: readonly string[]) => ChildProcess;
}

const EXIT_CODES = `
Exit codes: ${EXIT.ok} done, ${EXIT.failed} refused or failed (check: something was found), ${EXIT.usage} wrong option, argument or setting, ${EXIT.unreachable} no broker there.`;

/** `finished` is told the exit code of the command that ran. */
export function buildProgram(dependencies: CliDependencies, finished: (exitCode: ExitCode) => void): Command {
  const program = new Command('holdfast')
    .description('A durable message queue broker that any WebSocket client can speak to directly.\nWithout a command it serves.')
    .version(dependencies.version, '--version', 'print the version')
    .helpOption('-h, --help', 'show what there is; holdfast COMMAND --help shows the options of a command')
    .addHelpText('after', EXIT_CODES)
    .showSuggestionAfterError()
    .exitOverride();
  addServe(program, dependencies, finished);
  addCheck(program, dependencies, finished);
  addPublish(program, finished);
  addSubscribe(program, finished);
  program
    .command('demo')
    .description('show in a minute what a client misses while it is away, and that it misses nothing')
    .option('--fast', 'without the pauses')
    .action(async (flags: { readonly fast?: boolean }) => {
      finished(await demoCommand(dependencies.launch, flags.fast === true));
    });
  return program;
}

function addServe(program: Command, { serve }: CliDependencies, finished: (exitCode: ExitCode) => void): void {
  const command = program.command('serve').description('run the broker');
  addServeOptions(command);
  command.action(async (flags: Readonly<Record<string, string>>) => {
    await serve(serveConfig(flags, process.env));
    finished(EXIT.ok);
  });
}

function addCheck(program: Command, { check }: CliDependencies, finished: (exitCode: ExitCode) => void): void {
  program
    .command('check')
    .description('check the integrity of a data directory that no broker is using')
    .option('--data <directory>', 'directory that holds the messages (env: HOLDFAST_DATA, default: ./data)')
    .option('--repair', 'when the write-ahead log is damaged, keep a copy and go on with what comes before the damage')
    .action(async (flags: { readonly data?: string; readonly repair?: boolean }) => {
      const { dataDir } = serveConfig({ data: flags.data }, { HOLDFAST_DATA: process.env['HOLDFAST_DATA'] });
      finished(checkCommand(dataDir, await check(dataDir, flags.repair === true)));
    });
}

function addPublish(program: Command, finished: (exitCode: ExitCode) => void): void {
  const command = program
    .command('publish')
    .description('publish one message, or one for each line of JSON on stdin')
    .argument('[queue]', 'queue to publish to, unless --topic is given; @NAME is the inbox of a client')
    .argument('[body]', 'body, as JSON; without it, each line of stdin is one')
    .option('--topic <topic>', 'publish to all queues that are bound to it')
    .addOption(new Option('--delay <duration>', 'deliver it this much later: 500ms, 5s, 1h').argParser(parseDuration))
    .addOption(new Option('--header <key=value>', 'header of the message; repeat it for more').argParser(parseHeader));
  addClientOptions(command).action(
    async (first: string | undefined, second: string | undefined, flags: Parameters<typeof publishCommand>[1]) => {
      finished(
        await publishCommand(
          [first, second].filter((argument) => argument !== undefined),
          flags,
        ),
      );
    },
  );
}

function addSubscribe(program: Command, finished: (exitCode: ExitCode) => void): void {
  const command = program
    .command('subscribe')
    .description('print the messages of a queue, a topic or an inbox, one a line')
    .argument('[queue]', 'queue to consume')
    .option('--topic <topic>', 'bind the inbox of this client to a topic (* one word, # any number) and consume it')
    .option('--ack', 'acknowledge each message when it was written out')
    .option('--json', 'print the whole message instead of its body: id, attempt, queue, headers …')
    .addOption(new Option('--count <number>', 'end after so many messages').argParser(parsePositive))
    .addOption(new Option('--prefetch <number>', 'messages to hold unacknowledged (default: 100)').argParser(parsePositive));
  addClientOptions(command).action(async (queue: string | undefined, flags: Parameters<typeof subscribeCommand>[1]) => {
    finished(await subscribeCommand(queue, flags));
  });
}
