/** The ways in which a peer may leave a broker with half a connection. Each gets there by itself; then it vanishes. */
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '../../test/support/raw-client.ts';
import type { WireClient } from '../../test/support/wire-client.ts';
import type { FaultProxy } from './fault-proxy.ts';
import { handshake, RawPeer } from './raw-peer.ts';

export interface Place {
  readonly proxy: FaultProxy;
  readonly proxyPort: number;
  readonly brokerPort: number;
  /** Publishes what the peers are to hold. */
  readonly publisher: WireClient;
}

export interface Vanished {
  readonly kind: string;
  /** At its end of the broker's connection. */
  readonly port: number;
  readonly at: number;
  /** Its client's name and queue; none when it never had a session. */
  readonly name?: string;
  readonly queue?: string;
  /** What it left behind in its queue, all or some of it in its hands. */
  readonly ids: ReadonlySet<string>;
  readonly socket: Socket;
}

/** The first part of a request, of which the rest never comes. */
export interface Unfinished {
  readonly kind: string;
  readonly sent: string;
  /** Goes on for ever, a bit at a time. */
  readonly trickles?: boolean;
}

export const UNFINISHED: readonly Unfinished[] = [
  { kind: 'sends nothing at all', sent: '' },
  { kind: 'sends half of its handshake', sent: handshake(1, '/?client=half').slice(0, 60) },
  { kind: 'sends a handshake without end', sent: 'GET / HTTP/1.1\r\n', trickles: true },
  { kind: 'promises a body', sent: 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n' },
];

export interface Session {
  readonly kind: string;
  /** Uses its inbox, so that a newer connection under its name can take what it holds. */
  readonly inbox?: boolean;
  /** What the broker sends when it has vanished is taken, by nobody. */
  readonly drains: boolean;
  /** Bytes of each message's body. */
  readonly bytes?: number;
  readonly does?: (peer: RawPeer) => void;
}

const HELD = 10;
/** More than the buffers of two connections on the loopback device take. */
const LARGE_BYTES = 900_000;
const HALF_A_PUBLISH = { type: 'publish', queue: 'never', body: 'x'.repeat(2000) };

export const SESSIONS: readonly Session[] = [
  { kind: 'is idle, and the network takes all', drains: true },
  { kind: 'is idle, and the network takes nothing', drains: false },
  { kind: 'has sent half a frame', drains: true, does: (peer) => peer.sendHalf(HALF_A_PUBLISH) },
  { kind: 'is being sent a lot', drains: false, bytes: LARGE_BYTES },
  { kind: 'has asked a lot', drains: false, does: ask },
  { kind: 'is replaced at once', inbox: true, drains: true },
];

/** Such that a lease gives nothing back while the rig looks, in ms. */
const LEASE_MS = 600_000;
/** Until all that was sent has passed the proxy, in ms. */
const PASSING_MS = 500;
const TRICKLE_MS = 500;

/** It subscribes, holds what it was sent, and vanishes. */
export async function vanish(place: Place, session: Session, name: string): Promise<Vanished> {
  const { proxy, proxyPort, publisher } = place;
  const { kind, drains, inbox = false, bytes = 20, does } = session;
  const queue = inbox ? `@${name}` : `left-by-${name}`;
  const peer = await RawPeer.open(proxyPort, `/?client=${name}`);
  const held = new Set<string>();
  peer.received = (text) => {
    const frame = JSON.parse(text) as { readonly type: string; readonly id?: string };
    if (frame.type === 'message' && frame.id !== undefined) held.add(frame.id);
  };
  peer.send({ type: 'declare', queue, lease: LEASE_MS });
  peer.send({ type: 'subscribe', queue });
  const reads = bytes < LARGE_BYTES && does !== ask;
  if (!reads) peer.stall();
  await pause(PASSING_MS);
  const published = Array.from({ length: HELD }, () => publisher.publish({ queue }, 'x'.repeat(bytes)));
  const ids = new Set((await Promise.all(published)).map(({ id }) => String(id)));
  does?.(peer);
  if (reads) await eventually(() => held.size === ids.size, `all messages for ${name}`);
  await pause(PASSING_MS);
  const port = proxy.halve(peer.socket.localPort ?? 0, drains);
  return { kind, port, at: performance.now(), name, queue, ids, socket: peer.socket };
}

/** It never gets to a session. */
export async function neverFinish({ brokerPort }: Place, { kind, sent, trickles = false }: Unfinished): Promise<Vanished> {
  const socket = await RawPeer.tcp(brokerPort);
  // an answer is not waited for
  socket.resume();
  if (sent !== '') socket.write(sent);
  if (trickles) {
    const timer = setInterval(() => socket.write('x: y\r\n'), TRICKLE_MS);
    socket.once('close', () => clearInterval(timer));
  }
  return { kind, port: socket.localPort ?? 0, at: performance.now(), ids: new Set(), socket };
}

/** It opened a WebSocket, said nothing, and vanished. */
export async function neverSpeak({ proxy, proxyPort }: Place): Promise<Vanished> {
  const { socket } = await RawPeer.open(proxyPort, '/');
  const port = proxy.halve(socket.localPort ?? 0, true);
  return { kind: 'never says a word', port, at: performance.now(), ids: new Set(), socket };
}

/** More answers than it takes, until the broker does not read it any more. */
function ask(peer: RawPeer): void {
  const pings = Array.from({ length: 500 }, () => ({ type: 'ping', ref: 'r'.repeat(64) }));
  for (let n = 0; n < 250; n++) peer.send(pings);
}
