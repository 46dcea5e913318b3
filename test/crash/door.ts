/** The way to the broker: shut while it is down, so that clients wait for it instead of hammering at it. */
import { bounded } from '../support/wire-client.ts';

export class Door {
  #url: string | undefined;
  #guests = 0;
  readonly #waiting: ((url: string) => void)[] = [];
  #emptied: (() => void) | undefined;

  open(url: string): void {
    this.#url = url;
    for (const enter of this.#waiting.splice(0)) enter(url);
  }

  shut(): void {
    this.#url = undefined;
  }

  /** Resolves with the broker's address when there is one. Whoever entered must leave. */
  async enter(): Promise<string> {
    const url = this.#url ?? (await new Promise<string>((resolve) => this.#waiting.push(resolve)));
    this.#guests++;
    return url;
  }

  leave(): void {
    if (--this.#guests === 0) this.#emptied?.();
  }

  /** Resolves when the last one has seen that the broker is gone. */
  async emptied(): Promise<void> {
    if (this.#guests > 0) await bounded(new Promise<void>((resolve) => (this.#emptied = resolve)), 'the end of every connection');
    this.#emptied = undefined;
  }
}
