/**
 * Loaded into a server by `loop-delay.ts`: whoever connects to the port LOOP_DELAY_PORT gets the p99 and the highest delay of
 * the main thread's event loop since the last time, as JSON.
 */
import { createServer } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

/** The histogram holds the times between two ticks of a timer of this interval, so an undisturbed loop has this. */
const RESOLUTION_MS = 1;

const port = process.env['LOOP_DELAY_PORT'];
if (isMainThread && port !== undefined) {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  const delayMs = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
  createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(JSON.stringify({ p99Ms: delayMs(histogram.percentile(99)), maxMs: delayMs(histogram.max) }));
    histogram.reset();
  })
    .listen(Number(port), '127.0.0.1')
    .unref();
}
