/** `holdfast publish`: one message from the arguments, or one for each line of stdin. */
import { json, type PublishOptions, type PublishTarget } from '../client/index.ts';
import { CliError, EXIT, type ExitCode } from './cli-error.ts';
import { type ClientFlags, connectWith } from './client-options.ts';
import { startProgress } from './progress.ts';
import { publishLines } from './publish-lines.ts';

export interface PublishFlags extends ClientFlags {
  readonly topic?: string;
  /** ms. */
  readonly delay?: number;
  readonly header?: Readonly<Record<string, string>>;
}

export async function publishCommand(args: readonly string[], flags: PublishFlags): Promise<ExitCode> {
  const { target, body } = destination(args, flags.topic);
  const { delay, header } = flags;
  const options = { ...(delay === undefined ? {} : { delay }), ...(header === undefined ? {} : { headers: header }) };
  return body === undefined ? publishStdin(target, options, flags) : publishOne(target, body, options, flags);
}

function destination(
  args: readonly string[],
  topic: string | undefined,
): { readonly target: PublishTarget; readonly body: string | undefined } {
  const [first, second] = args;
  if (topic === undefined) {
    if (first === undefined) throw new CliError('publish to what? Give a QUEUE or --topic TOPIC', EXIT.usage);
    return { target: { queue: first }, body: second };
  }
  if (second !== undefined)
    throw new CliError(`publish to the queue ${first} or to the topic ${topic}? Give one of the two`, EXIT.usage);
  return { target: { topic }, body: first };
}

async function publishOne(target: PublishTarget, body: string, options: PublishOptions, flags: ClientFlags): Promise<ExitCode> {
  const text = json(body);
  const client = await connectWith(flags);
  try {
    const { id, queues } = await client.publish(target, text, options);
    console.log(`published ${id} to ${queues} ${queues === 1 ? 'queue' : 'queues'}`);
    if (queues === 0) console.error('holdfast: no queue is bound to that topic, so nobody will get it');
    return EXIT.ok;
  } finally {
    await client.close();
  }
}

async function publishStdin(target: PublishTarget, options: PublishOptions, flags: ClientFlags): Promise<ExitCode> {
  const client = await connectWith(flags);
  if (process.stdin.isTTY) console.error('One JSON value a line; Ctrl-D ends.');
  const progress = startProgress();
  const startedAt = performance.now();
  const outcome = await publishLines(
    process.stdin,
    (body) => client.publish(target, body, options),
    (bytes) => progress.advance(bytes),
  );
  progress.stop();
  await client.close();
  const seconds = (performance.now() - startedAt) / 1000;
  const { messages, bytes, nowhere, failure } = outcome;
  console.log(`published ${messages} messages, ${bytes} bytes in ${seconds.toFixed(2)} s (${Math.round(messages / seconds)}/s)`);
  if (nowhere > 0) console.error(`holdfast: no queue was bound to the topic for ${nowhere} of them, so nobody will get those`);
  if (failure !== undefined) throw failure;
  return EXIT.ok;
}
