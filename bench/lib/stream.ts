/** How many messages a load sends, and which body each has. */

export interface StreamLimits {
  readonly messages: number;
  /** After so long no more are sent: a broker that is slow is measured with fewer messages. */
  readonly secondsMax: number;
}

export class Stream {
  readonly #bodies: readonly string[];
  readonly #limits: StreamLimits;
  /** ms; before it has begun nothing is sent. */
  #startedAt: number | undefined;
  /** In the end, how many were sent. */
  messages: number;
  sent = 0;
  /** Of all bodies sent. */
  bytes = 0;

  constructor(limits: StreamLimits, bodies: readonly string[]) {
    this.#limits = limits;
    this.#bodies = bodies;
    this.messages = limits.messages;
  }

  /** Time runs from here. */
  begin(): void {
    this.#startedAt = performance.now();
  }

  /** How much of it is over, from 0 to 1, when so many messages are done: of the messages or of the time, what is more. */
  share(done: number): number {
    if (this.#startedAt === undefined) return 0;
    return Math.max(done / this.messages, (performance.now() - this.#startedAt) / (this.#limits.secondsMax * 1000));
  }

  /** Up to so many more. When time is over there is one more, so that a last one is always still to come. */
  send(count: number, publish: (body: string) => void): void {
    if (this.#startedAt === undefined || count <= 0 || this.sent >= this.messages) return;
    if (this.share(this.sent) > 1) this.messages = this.sent + 1;
    const until = Math.min(this.messages, this.sent + count);
    for (; this.sent < until; this.sent++) {
      const body = this.#bodies[this.sent % this.#bodies.length] ?? '';
      this.bytes += body.length;
      publish(body);
    }
  }
}
