/**
 * What a load generator needs of a broker's protocol, in words that all brokers share, so that one load runs against every one
 * of them. An adapter must cost next to nothing: what its driver spends is shown beside the server's figures.
 */

/** Which delivery an ack is for, as the protocol names it. */
export type Delivery = string | number;

export interface ConnectionEvents {
  /** So many publishes more were confirmed, in the order in which they were sent. */
  readonly confirmed?: (count: number) => void;
  /**
   * The same, one at a time: which of the connection's publishes it was, from 0 on, as the server says, not as they were sent. Not
   * every adapter has it.
   */
  readonly confirmedOne?: (number: number) => void;
  /** A message arrived. The body is only valid during the call. */
  readonly delivered?: (delivery: Delivery, body: Buffer) => void;
  /** All that one read brought has been given. What is sent during the call leaves in one write after it. */
  readonly turnEnded?: () => void;
}

export interface ConnectOptions {
  readonly port: number;
  /** The client's name, where it has a session or an inbox of its own. */
  readonly client?: string;
  readonly events: ConnectionEvents;
}

/** One WebSocket. What is sent outside of `turnEnded` leaves with `flush`. An error of the server throws and ends the driver. */
export interface Connection {
  /** The body is text of one byte a character (a JSON value for Holdfast). Counted by `confirmed` when the server confirms it. */
  publish(queue: string, body: string): void;
  /** Resolves when the server has confirmed the subscription; at most `prefetch` deliveries are unacknowledged. */
  subscribe(queue: string, prefetch: number): Promise<void>;
  /** Acknowledges one delivery. `taken` is called when the server has taken it, where given. */
  ack(delivery: Delivery, taken?: () => void): void;
  /** Like `publish`, to everyone who is subscribed to the topic. Not every broker's protocol has it. */
  publishToTopic?(topic: string, body: string): void;
  /** Like `subscribe`, to a topic instead of a queue: what is published to it waits for this connection's client, also while it is away. */
  subscribeToTopic?(topic: string, prefetch: number): Promise<void>;
  flush(): void;
  close(): void;
}

export interface Protocol {
  connect(options: ConnectOptions): Promise<Connection>;
  /** Makes a durable queue under that name, empty, before anything is measured. */
  declareQueue(port: number, queue: string): Promise<void>;
  /** Deletes it with what is in it, after a run, so that the next one meets an empty broker. */
  deleteQueue(port: number, queue: string): Promise<void>;
  /** Where clients may go away and come back. */
  readonly inboxes?: Inboxes;
}

/** A durable queue of a client's own, which fills while the client is away. */
export interface Inboxes {
  /** Its name, as `publish` and, on a connection of that client, `subscribe` take it. */
  nameOf(client: string): string;
  /** The client's first visit: from here on what is published to its inbox waits there. Many are made at the same time. */
  make(port: number, client: string): Promise<void>;
}
