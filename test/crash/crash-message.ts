/** The messages of the crash rig: each carries its key, and is known by the hash of all that it carries. */
import { hash } from 'node:crypto';
import type { SeededRandom } from '../support/seeded-random.ts';

export interface CrashMessage {
  readonly key: string;
  /** JSON text, or bytes. */
  readonly body: string | Buffer;
  readonly headers: string | undefined;
}

/** Text that a broker which reads and writes bodies anew would alter. */
const TRAPS =
  '"big":9007199254740993,"again":1,"again":2,"escaped":"\\u00e9\\/\\ud83d\\ude00","plain":"é😀",  "space" : [ 1 ,2.0, -0, 1e5 ]';

export function textMessage(key: string, random: SeededRandom): CrashMessage {
  const padding = 'holdfast '.repeat(random.between(0, random.chance(0.05) ? 900 : 30));
  const headers = random.chance(0.2) ? `{ "origin":"${key}", "mood":"\\u2603 ☃" }` : undefined;
  return { key, body: `{"key":"${key}",${TRAPS},"padding":"${padding}"}`, headers };
}

export function bytesMessage(key: string, random: SeededRandom): CrashMessage {
  const bytes = Buffer.alloc(random.between(0, 300));
  for (let i = 0; i < bytes.length; i++) bytes[i] = random.between(0, 255);
  return { key, body: Buffer.concat([Buffer.from(`${key}\n`), bytes]), headers: undefined };
}

/** '' when there is none to be found. */
export function keyOf(body: string | Buffer): string {
  if (typeof body === 'string') return /^\{"key":"([^"]+)"/.exec(body)?.[1] ?? '';
  return body.toString('latin1', 0, Math.max(body.indexOf(0x0a), 0));
}

export function hashOf(body: string | Buffer, headers: string | undefined): string {
  return hash('sha1', typeof body === 'string' ? `${headers ?? ''}\n${body}` : body, 'base64');
}
