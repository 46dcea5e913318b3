/** How much may be published and unanswered at a time. What is beyond waits here, first come first served. */

interface Waiting {
  readonly messages: number;
  readonly bytes: number;
  readonly admitted: () => void;
  readonly refused: (error: Error) => void;
}

export class PublishWindow {
  readonly #messagesMax: number;
  readonly #bytesMax: number;
  #messages = 0;
  #bytes = 0;
  #waiting: Waiting[] = [];
  /** How far `#waiting` has been served: it is cut off now and then, as `shift` on a long array is slow. */
  #served = 0;

  constructor(messagesMax: number, bytesMax: number) {
    this.#messagesMax = messagesMax;
    this.#bytesMax = bytesMax;
  }

  /** Calls `admitted` at once or later, in the order of the calls. One that is larger than the window goes alone. */
  take(messages: number, bytes: number, admitted: () => void, refused: (error: Error) => void): void {
    if (this.#served === this.#waiting.length && this.#fits(messages, bytes)) {
      this.#admit(messages, bytes);
      admitted();
    } else {
      this.#waiting.push({ messages, bytes, admitted, refused });
    }
  }

  give(messages: number, bytes: number): void {
    this.#messages -= messages;
    this.#bytes -= bytes;
    for (
      let next = this.#waiting[this.#served];
      next !== undefined && this.#fits(next.messages, next.bytes);
      next = this.#waiting[this.#served]
    ) {
      this.#served++;
      this.#admit(next.messages, next.bytes);
      next.admitted();
    }
    if (this.#served > 1000 || this.#served === this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#served);
      this.#served = 0;
    }
  }

  /** Refuses all who wait. */
  fail(error: Error): void {
    const waiting = this.#waiting.slice(this.#served);
    this.#waiting = [];
    this.#served = 0;
    for (const { refused } of waiting) refused(error);
  }

  #fits(messages: number, bytes: number): boolean {
    if (this.#messages === 0) return true;
    return this.#messages + messages <= this.#messagesMax && this.#bytes + bytes <= this.#bytesMax;
  }

  #admit(messages: number, bytes: number): void {
    this.#messages += messages;
    this.#bytes += bytes;
  }
}
