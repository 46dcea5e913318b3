/** Publishes each line of a stream as one message, many at a time, and stops at the first that can not be published. */
import { HoldfastError, json, type JsonText, type Published } from '../client/index.ts';
import { CliError, EXIT } from './cli-error.ts';
import { type Line, readLines } from './line-reader.ts';

/** Lines read and not yet confirmed; as many as the SDK keeps outstanding. */
const LINES_IN_FLIGHT_MAX = 1024;

export interface PublishedLines {
  /** Confirmed, and so on disk. */
  readonly messages: number;
  /** Of their bodies. */
  readonly bytes: number;
  /** How many of them reached no queue. */
  readonly nowhere: number;
  readonly failure: CliError | undefined;
}

export async function publishLines(
  stream: AsyncIterable<Buffer>,
  publish: (body: JsonText) => Promise<Published>,
  confirmed: (bytes: number) => void,
): Promise<PublishedLines> {
  const total = { messages: 0, bytes: 0, nowhere: 0 };
  let failure: CliError | undefined;
  let inFlight = 0;
  let landed: (() => void) | undefined;
  const until = async (max: number): Promise<void> => {
    while (inFlight > max) await new Promise<void>((resolve) => (landed = resolve));
  };
  const one = async (line: Line, body: JsonText): Promise<void> => {
    try {
      const { queues } = await publish(body);
      total.messages++;
      total.bytes += Buffer.byteLength(line.text);
      if (queues === 0) total.nowhere++;
      confirmed(line.bytes);
    } catch (error) {
      failure ??= failureOf(line.number, error);
    }
    inFlight--;
    landed?.();
  };
  try {
    for await (const line of readLines(stream)) {
      if (failure !== undefined) break;
      if (line.text.trim() === '') continue;
      const body = bodyOf(line);
      inFlight++;
      void one(line, body);
      await until(LINES_IN_FLIGHT_MAX - 1);
    }
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    failure ??= error;
  }
  await until(0);
  return { ...total, failure };
}

function bodyOf({ number, text }: Line): JsonText {
  try {
    return json(text);
  } catch (error) {
    throw failureOf(number, error);
  }
}

function failureOf(number: number, error: unknown): CliError {
  const code = error instanceof HoldfastError && error.code === 'unreachable' ? EXIT.unreachable : EXIT.failed;
  return new CliError(`line ${number}: ${error instanceof Error ? error.message : String(error)}`, code, { cause: error });
}
