/** Keeps one connection to the broker: makes it, and makes it again when it ends, until it must not or need not. */
import type { BrokerFrame, WelcomeReceived } from '../protocol/native/decode-broker-frame.ts';
import { Backoff } from './backoff.ts';
import type { LinkSettings } from './connect-options.ts';
import { Connection } from './connection.ts';
import type { HoldfastError } from './holdfast-error.ts';
import type { OutFrame } from './requests.ts';

export interface LinkOwner {
  up(welcome: WelcomeReceived): void;
  received(frame: Exclude<BrokerFrame, WelcomeReceived>): void;
  /** The connection ended or could not be made; another attempt follows after `delayMs`. */
  down(error: HoldfastError, delayMs: number): void;
  /** It is over. */
  ended(error: HoldfastError): void;
}

export class Link {
  readonly #settings: LinkSettings;
  readonly #owner: LinkOwner;
  readonly #afterTurn: (task: () => void) => void;
  readonly #backoff: Backoff;
  #connection: Connection | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wasUp = false;
  #isUp = false;
  #closing = false;

  constructor(settings: LinkSettings, owner: LinkOwner, afterTurn: (task: () => void) => void, random: () => number) {
    this.#settings = settings;
    this.#owner = owner;
    this.#afterTurn = afterTurn;
    this.#backoff = new Backoff(settings.reconnect?.delayMin ?? 0, settings.reconnect?.delayMax ?? 0, random);
    this.#connect();
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Drops the frame and returns false when there is no connection. */
  send(frame: OutFrame): boolean {
    if (this.#isUp) this.#connection?.send(frame);
    return this.#isUp;
  }

  close(error: HoldfastError): void {
    if (this.#closing) return;
    this.#closing = true;
    clearTimeout(this.#timer);
    if (this.#connection === undefined) this.#owner.ended(error);
    else this.#connection.close(error);
  }

  /** Something is wrong that a new connection may not have. */
  abandon(error: HoldfastError): void {
    this.#connection?.abandon(error);
  }

  #connect(): void {
    this.#connection = new Connection(
      this.#settings,
      {
        welcomed: (welcome) => {
          this.#backoff.reset();
          this.#wasUp = true;
          this.#isUp = true;
          this.#owner.up(welcome);
        },
        received: (frame) => this.#owner.received(frame),
        ended: (error) => this.#ended(error),
      },
      this.#afterTurn,
    );
  }

  #ended(error: HoldfastError): void {
    this.#connection = undefined;
    this.#isUp = false;
    const { reconnect } = this.#settings;
    const mayReturn = !this.#closing && error.retryable && reconnect !== undefined && (this.#wasUp || reconnect.initially);
    if (!mayReturn || this.#backoff.attempts >= reconnect.attemptsMax) {
      this.#closing = true;
      this.#owner.ended(error);
      return;
    }
    const delayMs = this.#backoff.nextMs();
    this.#timer = setTimeout(() => this.#connect(), delayMs);
    this.#owner.down(error, delayMs);
  }
}
