/** `holdfast subscribe`: prints messages, one a line, and acknowledges each only when it was written out. */
import type { Message, Subscription, SubscribeTarget } from '../client/index.ts';
import { CliError, EXIT, type ExitCode } from './cli-error.ts';
import { type ClientFlags, connectWith } from './client-options.ts';
import { formatBody, formatMessage } from './message-line.ts';

export interface SubscribeFlags extends ClientFlags {
  readonly topic?: string;
  readonly ack?: boolean;
  readonly json?: boolean;
  readonly count?: number;
  readonly prefetch?: number;
}

const PREFETCH = 100;
const DRAIN_TIMEOUT_MS = 2000;

export async function subscribeCommand(queue: string | undefined, flags: SubscribeFlags): Promise<ExitCode> {
  const target = source(queue, flags);
  const prefetch = prefetchOf(flags);
  const client = await connectWith(flags);
  const subscription = client.subscribe(target, { prefetch });
  const stop = (): void => void subscription.stop();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  // what fails is told by the callback of each write
  process.stdout.on('error', () => undefined);
  try {
    await subscription.ready;
    remark(flags, prefetch);
    await print(subscription, flags);
    await client.drain({ timeout: flags.ack === true ? DRAIN_TIMEOUT_MS : 0 });
    return EXIT.ok;
  } catch (error) {
    await client.close();
    if (isBrokenPipe(error)) return EXIT.ok;
    throw error;
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

function source(queue: string | undefined, { topic, client }: SubscribeFlags): SubscribeTarget {
  if (queue !== undefined && topic !== undefined)
    throw new CliError('subscribe to a queue or to a topic? Give one of the two', EXIT.usage);
  if (queue !== undefined) return { queue };
  if (topic !== undefined) return { topic };
  if (client === undefined)
    throw new CliError('subscribe to what? Give a QUEUE, --topic TOPIC, or --client NAME for its inbox', EXIT.usage);
  return {};
}

/**
 * With a count no message is fetched that is not printed: what is fetched and given back would count an attempt. So without acks
 * as many as are wanted, with acks one at a time unless told otherwise.
 */
function prefetchOf({ prefetch, count, ack }: SubscribeFlags): number {
  if (prefetch !== undefined) return prefetch;
  if (count === undefined) return PREFETCH;
  return ack === true ? 1 : count;
}

function remark({ ack, topic, client, count }: SubscribeFlags, prefetch: number): void {
  if (ack !== true && count === undefined) {
    console.error(
      `holdfast: nothing is acknowledged without --ack: at most ${prefetch} messages are shown, and they go back when this ends`,
    );
  }
  if (topic !== undefined && client === undefined) {
    console.error('holdfast: without --client NAME, what is published while this does not run is missed');
  }
}

async function print(subscription: Subscription, { json, ack, count }: SubscribeFlags): Promise<void> {
  let printed = 0;
  for await (const message of subscription) {
    await write(json === true ? formatMessage(message) : formatBody(message));
    const last = ++printed === count;
    // first this, so that the ack of the last one does not fetch another
    if (last) await subscription.stop();
    if (ack === true) await settle(message, last);
    if (last) return;
  }
}

async function settle(message: Message, last: boolean): Promise<void> {
  const acknowledged = message.ack();
  if (last) await acknowledged;
}

/** Resolves when the operating system has taken it. */
function write(line: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(line, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED');
}
