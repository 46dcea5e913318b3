/**
 * Publishes to a queue with a window of unconfirmed messages, consumes it on another connection, acknowledges each message by
 * itself. Ends when the last ack is confirmed. Frames go one to a message, or in arrays of what one turn brought.
 */
import { RawSocket } from './raw-socket.ts';

export interface QueueLoad {
  readonly port: number;
  readonly queue: string;
  readonly messages: number;
  readonly window: number;
  readonly prefetch: number;
  readonly body: string;
  readonly arrays: boolean;
}

const OK = '"type":"ok"';
const ID = '"id":"';
const ID_LENGTH = 36;
const ARRAY_FRAMES_MAX = 200;

/** Messages per second, from the first publish to the last confirmed ack. */
export async function queueLoad(load: QueueLoad): Promise<number> {
  const { port, queue, messages, window, prefetch, body, arrays } = load;
  const path = `/${arrays ? '?arrays=1' : ''}`;
  const done = Promise.withResolvers<void>();
  let sent = 0;
  let confirmed = 0;
  let acked = 0;

  const publisher = await RawSocket.connect({
    port,
    path,
    received(payload) {
      if (payload.indexOf('"type":"error"') >= 0) throw new Error(payload.latin1Slice(0, 300));
      confirmed += countOf(payload, OK);
    },
    turnEnded: () => fill(),
  });
  const outbox = new FrameGroup(publisher, arrays);
  const fill = (): void => {
    while (sent < messages && sent - confirmed < window)
      outbox.add(`{"type":"publish","ref":${sent++},"queue":"${queue}","body":${body}}`);
    outbox.flush();
  };

  const subscribed = Promise.withResolvers<void>();
  const consumer = await RawSocket.connect({
    port,
    path,
    received(payload) {
      const text = payload.latin1Slice();
      if (text.includes('"type":"error"')) throw new Error(text.slice(0, 300));
      if (acked === 0 && text.includes('"ref":"s"')) subscribed.resolve();
      if (text.includes('"ref":"last"')) done.resolve();
      for (let at = text.indexOf(ID); at >= 0; at = text.indexOf(ID, at + body.length))
        ack(text.slice(at + ID.length, at + ID.length + ID_LENGTH));
    },
    turnEnded: () => acks.flush(),
  });
  const acks = new FrameGroup(consumer, arrays);
  const ack = (id: string): void => {
    acked++;
    acks.add(acked === messages ? `{"type":"ack","ref":"last","id":"${id}"}` : `{"type":"ack","id":"${id}"}`);
  };
  consumer.send(`{"type":"subscribe","ref":"s","queue":"${queue}","prefetch":${prefetch}}`);
  consumer.flush();
  await subscribed.promise;

  const start = performance.now();
  fill();
  publisher.flush();
  await done.promise;
  const seconds = (performance.now() - start) / 1000;
  publisher.close();
  consumer.close();
  return messages / seconds;
}

/** Frames of one turn: sent alone, or together as arrays. */
class FrameGroup {
  readonly #socket: RawSocket;
  readonly #arrays: boolean;
  #frames: string[] = [];

  constructor(socket: RawSocket, arrays: boolean) {
    this.#socket = socket;
    this.#arrays = arrays;
  }

  add(frame: string): void {
    if (!this.#arrays) return this.#socket.send(frame);
    this.#frames.push(frame);
    if (this.#frames.length === ARRAY_FRAMES_MAX) this.flush();
  }

  flush(): void {
    if (this.#frames.length === 0) return;
    this.#socket.send(`[${this.#frames.join(',')}]`);
    this.#frames = [];
  }
}

function countOf(payload: Buffer, part: string): number {
  let count = 0;
  for (let at = payload.indexOf(part); at >= 0; at = payload.indexOf(part, at + part.length)) count++;
  return count;
}
