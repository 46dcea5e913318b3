/** What clients do in a round: publish with a window until the power is cut, and take out what is there when it is back. */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Connection, Protocol } from '../../bench/lib/protocol.ts';

export interface Round {
  readonly port: number;
  readonly queue: string;
  readonly round: number;
}

export interface Published {
  readonly published: number;
  /** The numbers of those that were confirmed. */
  readonly confirmed: readonly number[];
  /** From the first publish to the last confirm. */
  readonly seconds: number;
}

/** So long nothing may come until all is taken to have come. */
const QUIET_MS = 50;
const BODY_CHARACTERS = 256;
const PREFETCH = 1000;

/** A JSON text, as Holdfast wants it, of one byte a character. */
export function bodyOf(round: number, number: number): string {
  return `"${`${round} ${number} `.padEnd(BODY_CHARACTERS - 2, 'x')}"`;
}

/** Which message of that round it is; undefined if it is none, or not as it was published. */
export function numberOf(round: number, body: string): number | undefined {
  const number = Number(/^"\d+ (\d+) /.exec(body)?.[1]);
  return body === bodyOf(round, number) ? number : undefined;
}

/** Publishes, with at most `window` unconfirmed, until `stop`; then counts what was confirmed until the server fell silent. */
export async function publishUntil(
  protocol: Protocol,
  { port, queue, round }: Round,
  window: number,
  stop: Promise<void>,
): Promise<Published> {
  const confirmed: number[] = [];
  let published = 0;
  let stopped = false;
  let lastAt = performance.now();
  const fill = (): void => {
    while (!stopped && published - confirmed.length < window) connection.publish(queue, bodyOf(round, published++));
  };
  const confirmedOne = (number: number): void => {
    confirmed.push(number);
    lastAt = performance.now();
  };
  const connection: Connection = await protocol.connect({ port, events: { confirmedOne, turnEnded: fill } });
  const start = performance.now();
  fill();
  connection.flush();
  await stop;
  stopped = true;
  const seconds = (): number => Math.max(lastAt - start, 0) / 1000;
  const stoppedAt = performance.now();
  while (performance.now() - Math.max(lastAt, stoppedAt) < QUIET_MS) await pause(QUIET_MS / 5);
  connection.close();
  return { published, confirmed, seconds: seconds() };
}

/**
 * Takes all out of the queue, up to a last message of its own, which comes behind everything that was there.
 * @param came is given the numbers of that round's messages as they come
 */
export async function drain(protocol: Protocol, { port, queue, round }: Round, came: Set<number>): Promise<void> {
  const last = `"the last of ${round}: ${randomUUID()}"`;
  const lastIsIn = Promise.withResolvers<void>();
  const lastCame = Promise.withResolvers<void>();
  const connection: Connection = await protocol.connect({
    port,
    events: {
      confirmedOne: () => lastIsIn.resolve(),
      delivered(delivery, data) {
        const body = data.latin1Slice();
        const number = numberOf(round, body);
        if (number !== undefined) came.add(number);
        connection.ack(delivery, body === last ? lastCame.resolve : undefined);
      },
    },
  });
  connection.publish(queue, last);
  connection.flush();
  await lastIsIn.promise;
  await connection.subscribe(queue, PREFETCH);
  await lastCame.promise;
  await pause(QUIET_MS);
  connection.close();
}
