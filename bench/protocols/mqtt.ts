/**
 * MQTT 5 over WebSockets, QoS 1 (docs.oasis-open.org/mqtt/mqtt/v5.0). A queue is a session of the same name that is subscribed to
 * the topic of the same name: it fills while nobody is connected as it, its receive maximum is the prefetch, PUBACK is the ack.
 * Inboxes are the same. A session's name and receive maximum are said in CONNECT, so that leaves with the first thing a
 * connection is asked to do.
 */
import type { Connection, ConnectOptions, ConnectionEvents, Protocol } from '../lib/protocol.ts';
import { ByteStream } from './byte-stream.ts';

export const mqtt: Protocol = {
  connect: (options) => MqttConnection.connect(options),
  declareQueue: makeSession,
  async deleteQueue(port, queue) {
    const connection = await MqttConnection.connect({ port, events: {} });
    await connection.startSession(queue, { cleanStart: true, expirySeconds: 0, receiveMaximum: 1 });
    connection.close();
  },
  inboxes: { nameOf: (client) => client, make: makeSession },
};

/** Packet types with their flags, as a packet's first byte: MQTT 5, section 2.1. */
const CONNECT = 0x10;
const CONNACK = 0x20;
const PUBLISH = 0x30;
const PUBLISH_QOS_1 = 0x32;
const PUBACK = 0x40;
const SUBSCRIBE = 0x82;
const SUBACK = 0x90;
const PINGRESP = 0xd0;

const PINGREQ = Buffer.from([0xc0, 0]);

/** Of CONNECT: section 3.1.2.11. */
const SESSION_EXPIRY_INTERVAL = 0x11;
const RECEIVE_MAXIMUM = 0x21;
const CLEAN_START = 0x02;

/** Reason codes from here on are failures. */
const FAILURE_MIN = 0x80;
const PACKET_ID_MAX = 0xffff;
/** Longer than any run. */
const EXPIRY_SECONDS = 24 * 60 * 60;
/** For those who only publish. */
const RECEIVE_MAXIMUM_DEFAULT = 1000;

interface SessionOptions {
  readonly cleanStart: boolean;
  readonly expirySeconds: number;
  readonly receiveMaximum: number;
}

async function makeSession(port: number, name: string): Promise<void> {
  const connection = await MqttConnection.connect({ port, client: name, events: {} });
  await connection.subscribeToTopic(name, RECEIVE_MAXIMUM_DEFAULT);
  connection.close();
}

class MqttConnection implements Connection {
  readonly #stream: ByteStream;
  readonly #events: ConnectionEvents;
  readonly #client: string | undefined;
  /** What the server's next answer to CONNECT, SUBSCRIBE is for: one at a time. */
  #answered: (() => void) | undefined;
  readonly #pongs: (() => void)[] = [];
  #started = false;
  #lastId = 0;
  /** Of what was published last: the packet's bytes between its length and its id. */
  #topic = '';
  #topicBytes: Buffer = Buffer.alloc(0);
  /** Within what is being read. */
  #confirmed = 0;

  static async connect({ port, client, events }: ConnectOptions): Promise<MqttConnection> {
    const connection = new MqttConnection(client, events);
    await connection.#stream.open({ port, path: '/ws', protocol: 'mqtt' });
    return connection;
  }

  private constructor(client: string | undefined, events: ConnectionEvents) {
    this.#client = client;
    this.#events = events;
    this.#stream = new ByteStream({
      received: (data) => this.#received(data),
      turnEnded: () => events.turnEnded?.(),
    });
  }

  publish(topic: string, body: string): void {
    // what follows CONNECT needn't wait for its answer: section 3.1.4
    if (!this.#started)
      void this.startSession('', { cleanStart: true, expirySeconds: 0, receiveMaximum: RECEIVE_MAXIMUM_DEFAULT });
    if (topic !== this.#topic) {
      this.#topic = topic;
      this.#topicBytes = textBytes(topic);
    }
    const length = this.#topicBytes.length + 3 + body.length;
    let at = this.#begin(PUBLISH_QOS_1, length);
    const out = this.#stream.reserved;
    at += this.#topicBytes.copy(out, at);
    at = out.writeUInt16BE(this.#nextId(), at);
    out[at] = 0;
    out.latin1Write(body, at + 1);
  }

  publishToTopic(topic: string, body: string): void {
    this.publish(topic, body);
  }

  async subscribe(queue: string, prefetch: number): Promise<void> {
    await this.startSession(queue, { cleanStart: false, expirySeconds: EXPIRY_SECONDS, receiveMaximum: prefetch });
  }

  async subscribeToTopic(topic: string, prefetch: number): Promise<void> {
    await this.subscribe(this.#client ?? topic, prefetch);
    const filter = textBytes(topic);
    const body = Buffer.concat([Buffer.from([0, 1, 0]), filter, Buffer.from([1])]);
    const at = this.#begin(SUBSCRIBE, body.length);
    body.copy(this.#stream.reserved, at);
    await this.#answer();
  }

  ack(id: number, taken?: () => void): void {
    const at = this.#stream.reserve(4);
    const out = this.#stream.reserved;
    out[at] = PUBACK;
    out[at + 1] = 2;
    out[at + 2] = id >> 8;
    out[at + 3] = id & 0xff;
    if (taken === undefined) return;
    this.#pongs.push(taken);
    this.#stream.send(PINGREQ);
  }

  flush(): void {
    this.#stream.flush();
  }

  close(): void {
    this.#stream.close();
  }

  /** Resolves when the server has let it in. */
  async startSession(client: string, { cleanStart, expirySeconds, receiveMaximum }: SessionOptions): Promise<void> {
    this.#started = true;
    const properties = Buffer.alloc(8);
    properties[0] = SESSION_EXPIRY_INTERVAL;
    properties.writeUInt32BE(expirySeconds, 1);
    properties[5] = RECEIVE_MAXIMUM;
    properties.writeUInt16BE(receiveMaximum, 6);
    const head = Buffer.from([5, cleanStart ? CLEAN_START : 0, 0, 0, 8]);
    const body = Buffer.concat([textBytes('MQTT'), head, properties, textBytes(client)]);
    const at = this.#begin(CONNECT, body.length);
    body.copy(this.#stream.reserved, at);
    await this.#answer();
  }

  async #answer(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#answered = resolve;
    this.#stream.flush();
    await promise;
  }

  #nextId(): number {
    this.#lastId = this.#lastId === PACKET_ID_MAX ? 1 : this.#lastId + 1;
    return this.#lastId;
  }

  /** A packet's first byte and length, with room for so many bytes behind it. Returns where those go. */
  #begin(first: number, length: number): number {
    const lengthBytes = length < 0x80 ? 1 : length < 0x4000 ? 2 : 3;
    let at = this.#stream.reserve(1 + lengthBytes + length);
    const out = this.#stream.reserved;
    out[at++] = first;
    let rest = length;
    for (let i = 1; i < lengthBytes; i++) {
      out[at++] = 0x80 | (rest & 0x7f);
      rest >>= 7;
    }
    out[at++] = rest;
    return at;
  }

  #received(data: Buffer): number {
    this.#confirmed = 0;
    let at = 0;
    while (at + 2 <= data.length) {
      let start = at + 1;
      let length = (data[start] ?? 0) & 0x7f;
      for (let shift = 7; ((data[start] ?? 0) & 0x80) !== 0; shift += 7) length |= ((data[++start] ?? 0) & 0x7f) << shift;
      start++;
      if (start + length > data.length) break;
      this.#packet(data[at] ?? 0, data, start, start + length);
      at = start + length;
    }
    if (this.#confirmed > 0) this.#events.confirmed?.(this.#confirmed);
    return at;
  }

  #packet(first: number, data: Buffer, at: number, end: number): void {
    if (first === PUBACK) {
      if (end - at > 2) throwIfFailed('PUBACK', data[at + 2]);
      this.#confirmed++;
    } else if ((first & 0xf0) === PUBLISH) this.#delivery(data, at, end);
    else if (first === PINGRESP) this.#pongs.shift()?.();
    else if (first === CONNACK) this.#answerCame('CONNACK', data[at + 1]);
    else if (first === SUBACK) this.#answerCame('SUBACK', data[end - 1]);
    else throw new Error(`MQTT: the server sent a packet ${first.toString(16)}: ${data.toString('hex', at, end)}`);
  }

  #delivery(data: Buffer, at: number, end: number): void {
    const idAt = at + 2 + ((data[at] ?? 0) << 8) + (data[at + 1] ?? 0);
    const propertiesAt = idAt + 2;
    // no properties that take more than 127 bytes are ever sent here
    const bodyAt = propertiesAt + 1 + (data[propertiesAt] ?? 0);
    this.#events.delivered?.(((data[idAt] ?? 0) << 8) | (data[idAt + 1] ?? 0), data.subarray(bodyAt, end));
  }

  #answerCame(packet: string, reason: number | undefined): void {
    throwIfFailed(packet, reason);
    this.#answered?.();
  }
}

function throwIfFailed(packet: string, reason = 0): void {
  if (reason >= FAILURE_MIN) throw new Error(`MQTT: the server answered with ${packet} and reason ${reason.toString(16)}`);
}

/** With its length before it. */
function textBytes(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}
