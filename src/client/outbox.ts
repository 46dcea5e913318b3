/** What one turn of the program sends goes out together: runs of text frames as arrays, which cost the broker and us less. */
import type { OutFrame } from './requests.ts';

const ARRAY_CHARACTERS_MAX = 64 * 1024;
const ARRAY_FRAMES_MAX = 1000;
/** A character is at most three bytes of UTF-8. */
const CHARACTER_BYTES_MAX = 3;

export class Outbox {
  readonly #write: (data: OutFrame) => void;
  readonly #afterTurn: (task: () => void) => void;
  readonly #charactersMax: number;
  #frames: OutFrame[] = [];
  readonly #flush = (): void => this.flush();

  /** `frameBytesMax` is what the broker takes at once. */
  constructor(write: (data: OutFrame) => void, afterTurn: (task: () => void) => void, frameBytesMax: number) {
    this.#write = write;
    this.#afterTurn = afterTurn;
    this.#charactersMax = Math.min(ARRAY_CHARACTERS_MAX, Math.floor(frameBytesMax / CHARACTER_BYTES_MAX));
  }

  push(frame: OutFrame): void {
    if (this.#frames.length === 0) this.#afterTurn(this.#flush);
    this.#frames.push(frame);
  }

  flush(): void {
    const frames = this.#frames;
    this.#frames = [];
    let run: string[] = [];
    let characters = 0;
    for (const frame of frames) {
      const text = typeof frame === 'string' ? frame : undefined;
      const length = text === undefined ? 0 : text.length + 1;
      if (
        run.length > 0 &&
        (text === undefined || run.length === ARRAY_FRAMES_MAX || characters + length > this.#charactersMax)
      ) {
        this.#writeRun(run);
        run = [];
        characters = 0;
      }
      if (text === undefined) {
        this.#write(frame);
      } else {
        run.push(text);
        characters += length;
      }
    }
    if (run.length > 0) this.#writeRun(run);
  }

  #writeRun(run: readonly string[]): void {
    this.#write(run.length === 1 ? (run[0] ?? '') : `[${run.join(',')}]`);
  }
}
