/** How far publishing has come: a bar on a terminal, nothing anywhere else. Written to stderr, as stdout belongs to results. */
import { fstatSync } from 'node:fs';
import { SingleBar } from 'cli-progress';

export interface Progress {
  /** Called for each message that was confirmed, with the bytes of the input that it took. */
  advance(bytes: number): void;
  stop(): void;
}

const NOTHING: Progress = { advance: () => undefined, stop: () => undefined };
const KNOWN = '{bar} {percentage}% | {messages} messages, {rate}/s | {left} s left';
const UNKNOWN = '{messages} messages, {value} bytes, {rate}/s';
const REDRAW_MS = 100;

export function startProgress(): Progress {
  if (!process.stderr.isTTY) return NOTHING;
  const total = inputBytes();
  const bar = new SingleBar({
    format: total > 0 ? KNOWN : UNKNOWN,
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
  });
  const startedAt = performance.now();
  let messages = 0;
  let bytes = 0;
  const draw = (): void => {
    const seconds = (performance.now() - startedAt) / 1000;
    // of the bar's own estimate nothing is used: confirmations come in bursts, and it takes each burst for the speed
    const left = bytes === 0 ? '?' : Math.ceil((seconds * (total - bytes)) / bytes);
    bar.update(bytes, { messages, rate: Math.round(messages / seconds), left });
  };
  bar.start(total, 0, { messages, rate: 0, left: '?' });
  const timer = setInterval(draw, REDRAW_MS);
  return {
    advance: (more) => {
      messages++;
      bytes += more;
    },
    stop: () => {
      clearInterval(timer);
      bar.stop();
    },
  };
}

/** 0 when stdin is no file. */
function inputBytes(): number {
  const input = fstatSync(process.stdin.fd);
  return input.isFile() ? input.size : 0;
}
