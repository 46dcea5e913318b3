/** The delay of a Node server's event loop, seen from inside: a module that is loaded into it and asked over a port of its own. */
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';

export interface Delays {
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface LoopDelay {
  /** For the Node process to be watched. */
  readonly environment: Readonly<Record<string, string>>;
  /** Since the last time it was asked. */
  take(): Promise<Delays>;
}

/** The port must be free. */
export function loopDelay(port: number): LoopDelay {
  const preload = pathToFileURL(join(import.meta.dirname, 'loop-delay-preload.ts')).href;
  return {
    environment: { NODE_OPTIONS: `--import=${preload}`, LOOP_DELAY_PORT: String(port) },
    take: async () => JSON.parse(await text(connect(port, '127.0.0.1'))) as Delays,
  };
}
