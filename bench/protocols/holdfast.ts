/**
 * Holdfast's own protocol. What the broker sends is cut into frames by their known beginnings, without parsing: bodies must not
 * hold what a delivery begins with.
 */
import type { Connection, ConnectOptions, ConnectionEvents, Protocol } from '../lib/protocol.ts';
import { RawSocket } from '../lib/raw-socket.ts';

/** Frames that go together leave as arrays, and come as such. */
export const holdfast: Protocol = protocol(true);

/** One object a frame, both ways. */
export const holdfastObjects: Protocol = protocol(false);

const TYPE_AT = '{"type":"'.length;
const DELIVERY = '{"type":"message","queue":"';
const OK = '{"type":"ok","ref":';
/** Of a publish's number. */
const REF_LENGTH_MAX = 16;
const NEXT = '},{"type":"';
const OK_REF_AT = OK.length;
const PONG_REF_AT = '{"type":"pong","ref":'.length;
const ID = '"id":"';
const ID_LENGTH = 36;
const BODY = ',"body":';
const ARRAY_FRAMES_MAX = 200;
/** Well within the broker's limit for a frame of 1 MiB. */
const ARRAY_CHARACTERS_MAX = 128 * 1024;

function protocol(arrays: boolean): Protocol {
  const visit = async (port: number, work: (connection: HoldfastConnection) => Promise<void>, client?: string): Promise<void> => {
    const connection = await HoldfastConnection.connect(
      { port, events: {}, ...(client === undefined ? {} : { client }) },
      arrays,
    );
    await work(connection);
    connection.close();
  };
  return {
    connect: (options) => HoldfastConnection.connect(options, arrays),
    declareQueue: (port, queue) => visit(port, (connection) => connection.ask(`"type":"declare","queue":"${queue}"`)),
    /** The protocol has no frame for it. A queue that is left behind, with what is in it, costs space on the disk. */
    deleteQueue: () => Promise.resolve(),
    inboxes: {
      nameOf: (client) => `@${client}`,
      make: (port, client) => visit(port, (connection) => connection.ask('"type":"ping"'), client),
    },
  };
}

/** Publishes have numbers as `ref`, all else that is to be answered has text: that tells confirms from other answers. */
class HoldfastConnection implements Connection {
  readonly #events: ConnectionEvents;
  readonly #arrays: boolean;
  readonly #asked = new Map<string, () => void>();
  #socket: RawSocket | undefined;
  /** `connect` is done: who waits for it is not to hear of anything before. */
  #open = false;
  #published = 0;
  /** Within what is being read. */
  #confirmed = 0;
  #questions = 0;
  #frames: string[] = [];
  #characters = 0;

  static async connect({ port, client, events }: ConnectOptions, arrays: boolean): Promise<HoldfastConnection> {
    const connection = new HoldfastConnection(events, arrays);
    const query = [...(client === undefined ? [] : [`client=${client}`]), ...(arrays ? ['arrays=1'] : [])];
    connection.#socket = await RawSocket.connect({
      port,
      path: `/?${query.join('&')}`,
      received: (payload) => connection.#received(payload),
      turnEnded() {
        if (connection.#open) events.turnEnded?.();
        connection.#endArray();
      },
    });
    // a client without a name has no session before its first frame, and a first frame may not be large
    if (client === undefined) await connection.ask('"type":"ping"');
    connection.#open = true;
    return connection;
  }

  private constructor(events: ConnectionEvents, arrays: boolean) {
    this.#events = events;
    this.#arrays = arrays;
  }

  publish(queue: string, body: string): void {
    this.#send(`{"type":"publish","ref":${this.#published++},"queue":"${queue}","body":${body}}`);
  }

  publishToTopic(topic: string, body: string): void {
    this.#send(`{"type":"publish","ref":${this.#published++},"topic":"${topic}","body":${body}}`);
  }

  subscribe(queue: string, prefetch: number): Promise<void> {
    return this.ask(`"type":"subscribe","queue":"${queue}","prefetch":${prefetch}`);
  }

  subscribeToTopic(topic: string, prefetch: number): Promise<void> {
    return this.ask(`"type":"subscribe","topic":"${topic}","prefetch":${prefetch}`);
  }

  ack(delivery: string, taken?: () => void): void {
    if (taken === undefined) this.#send(`{"type":"ack","id":"${delivery}"}`);
    else this.#question(`"type":"ack","id":"${delivery}"`, taken);
  }

  /** Sends a frame with these members at once and resolves when it is answered. */
  async ask(members: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#question(members, resolve);
    this.flush();
    await promise;
  }

  flush(): void {
    this.#endArray();
    this.#socket?.flush();
  }

  close(): void {
    this.#socket?.close();
  }

  #question(members: string, answered: () => void): void {
    const ref = `q${this.#questions++}`;
    this.#asked.set(ref, answered);
    this.#send(`{${members},"ref":"${ref}"}`);
  }

  #send(frame: string): void {
    if (!this.#arrays) return this.#socket?.send(frame);
    if (this.#characters + frame.length > ARRAY_CHARACTERS_MAX) this.#endArray();
    this.#frames.push(frame);
    this.#characters += frame.length;
    if (this.#frames.length === ARRAY_FRAMES_MAX) this.#endArray();
  }

  #endArray(): void {
    if (this.#frames.length === 0) return;
    this.#socket?.send(`[${this.#frames.join(',')}]`);
    this.#frames = [];
    this.#characters = 0;
  }

  /** One frame, or an array of them. */
  #received(payload: Buffer): void {
    const text = payload.latin1Slice();
    const inArray = text.startsWith('[');
    const end = inArray ? text.length - 1 : text.length;
    this.#confirmed = 0;
    for (let at = inArray ? 1 : 0; at < end; at++) {
      const type = text.charAt(at + TYPE_AT);
      if (type === 'm') at = this.#delivery(payload, text, at, inArray, end);
      else if (type === 'o') at = this.#answer(text, at, at + OK_REF_AT);
      else if (type === 'p') at = this.#answer(text, at, at + PONG_REF_AT);
      else if (type === 'e') throw new Error(`Holdfast: ${text.slice(at, at + 300)}`);
      else at = inArray ? endOfWelcome(text, at, end) : end;
    }
    if (this.#confirmed > 0) this.#events.confirmed?.(this.#confirmed);
  }

  /** Returns where the frame ends. */
  #answer(text: string, at: number, refAt: number): number {
    if (text.charAt(refAt) === '"') {
      const ref = text.slice(refAt + 1, text.indexOf('"', refAt + 1));
      this.#asked.get(ref)?.();
      this.#asked.delete(ref);
    } else {
      this.#confirmed++;
      this.#events.confirmedOne?.(Number.parseInt(text.slice(refAt, refAt + REF_LENGTH_MAX), 10));
    }
    return text.indexOf('}', at) + 1;
  }

  /** Returns where the frame ends. */
  #delivery(payload: Buffer, text: string, at: number, inArray: boolean, end: number): number {
    const idAt = text.indexOf(ID, at + DELIVERY.length) + ID.length;
    const bodyAt = text.indexOf(BODY, idAt + ID_LENGTH) + BODY.length;
    const frameEnd = inArray ? endInArray(text, bodyAt, end) : end;
    this.#events.delivered?.(text.slice(idAt, idAt + ID_LENGTH), payload.subarray(bodyAt, frameEnd - 1));
    return frameEnd;
  }
}

/** A welcome or a notice: it holds nothing that a client wrote, so that any frame may follow it. */
function endOfWelcome(text: string, from: number, end: number): number {
  const next = text.indexOf(NEXT, from);
  return next < 0 ? end : next + 1;
}

/** Where the frame ends that has this place in it: before the comma of what is certainly the next one, or with the array. */
function endInArray(text: string, from: number, end: number): number {
  for (let at = text.indexOf(NEXT, from); at >= 0; at = text.indexOf(NEXT, at + NEXT.length))
    if (text.startsWith(DELIVERY, at + 2) || text.startsWith(OK, at + 2)) return at + 1;
  return end;
}
