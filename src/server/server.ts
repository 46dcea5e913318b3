/**
 * The broker's front: one port for HTTP (health, a page that says what this is) and for WebSockets. Decides who may connect, then
 * hands each connection to a session of its protocol.
 */
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { WebSocketServer } from 'ws';
import type { Broker } from '../broker/broker.ts';
import { CLOSE } from '../broker/errors.ts';
import { FrameDecoder } from '../protocol/native/decode.ts';
import { SUBPROTOCOL } from '../protocol/native/frame.ts';
import type { FrameLimits } from '../protocol/native/limits.ts';
import type { Authority } from './auth/authority.ts';
import { BrokerWebSocket } from './broker-web-socket.ts';
import { Connection } from './connection.ts';
import { handshake, type Admission } from './handshake.ts';
import { landingPage } from './landing-page.ts';
import { NativeSession } from './native-session.ts';
import type { OriginRules } from './origin.ts';
import { OutboundBudget } from './outbox.ts';

export interface ServerOptions {
  readonly authority: Authority;
  readonly log: Logger;
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  readonly origins: OriginRules;
  readonly limits: FrameLimits;
  readonly outboundBytesMax: number;
  readonly outboundTotalBytesMax: number;
  readonly connectionsMax: number;
  /** A client that is silent for two of these is cut off, in ms. */
  readonly heartbeatMs: number;
  /** Time to send a request, and then, where a token is needed, to show it, in ms. */
  readonly helloTimeoutMs: number;
  readonly afterTurn: (task: () => void) => void;
  readonly version: string;
}

interface Client {
  readonly connection: Connection;
  readonly session: NativeSession;
}

/** How often draining looks whether everything received has been handled, in ms. */
const DRAIN_POLL_MS = 5;

export class Server {
  readonly #options: ServerOptions;
  readonly #http: HttpServer;
  readonly #webSockets: WebSocketServer;
  readonly #decoder: FrameDecoder;
  readonly #budget: OutboundBudget;
  readonly #clients = new Set<Client>();
  #heartbeat: NodeJS.Timeout | undefined;
  #beats = 0;
  #broker: Broker | undefined;
  #draining = false;

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#decoder = new FrameDecoder(options.limits, (bytes, start, end) => (bytes as Buffer).latin1Slice(start, end));
    this.#budget = new OutboundBudget(options.outboundTotalBytesMax);
    // half a request must not be waited for as long as Node does of itself, which is up to 90 s
    const requestMs = options.helloTimeoutMs;
    const timeouts = { headersTimeout: requestMs, requestTimeout: requestMs, connectionsCheckingInterval: requestMs / 2 };
    this.#http = createServer(timeouts, (request, response) => this.#answer(request, response));
    this.#http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => this.#upgrade(request, socket, head));
    this.#webSockets = new WebSocketServer({
      noServer: true,
      WebSocket: BrokerWebSocket,
      perMessageDeflate: false,
      clientTracking: false,
      maxPayload: options.limits.frameBytesMax,
      handleProtocols: () => SUBPROTOCOL,
    });
  }

  /** From here on clients are let in; until then every request is told that the broker is starting. */
  open(broker: Broker): void {
    this.#broker = broker;
  }

  /** Resolves with the port when connections are accepted. */
  async listen(): Promise<number> {
    const { host, port, heartbeatMs } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#http.once('error', reject);
      this.#http.listen({ host, port, backlog: 4096 }, resolve);
    });
    this.#heartbeat = setInterval(() => this.#beat(), heartbeatMs / 2);
    return (this.#http.address() as AddressInfo).port;
  }

  get connections(): number {
    return this.#clients.size;
  }

  /** Accepts nothing more, tells every client, answers what was received, and closes. Resolves when all are gone. */
  async drain(timeoutMs: number): Promise<void> {
    this.#draining = true;
    clearInterval(this.#heartbeat);
    for (const { session } of this.#clients) session.drain();
    const until = performance.now() + timeoutMs;
    while (performance.now() < until && ![...this.#clients].every(({ session }) => session.isQuiet)) await pause(DRAIN_POLL_MS);
    if (this.#broker !== undefined) await withinMs(this.#broker.flushed(), Math.max(until - performance.now(), 0));
    for (const { connection } of this.#clients) connection.close(CLOSE.draining, 'draining');
    while (this.#clients.size > 0) await pause(DRAIN_POLL_MS);
    // until here, so that whoever asks is told that the broker is draining and not that there is none
    this.#http.close();
    this.#http.closeAllConnections();
  }

  get #notReady(): 'starting' | 'draining' | undefined {
    if (this.#draining) return 'draining';
    return this.#broker === undefined ? 'starting' : undefined;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url?.split('?')[0];
    const send = (status: number, type: string, text: string): void => {
      response.writeHead(status, {
        'content-type': `${type}; charset=utf-8`,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      });
      response.end(request.method === 'HEAD' ? undefined : text);
    };
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return send(405, 'text/plain', 'only GET here; messages go over a WebSocket\n');
    switch (path) {
      case '/health/live':
        return send(200, 'text/plain', 'alive\n');
      case '/health/ready':
        return this.#notReady === undefined ? send(200, 'text/plain', 'ready\n') : send(503, 'text/plain', `${this.#notReady}\n`);
      case '/':
        return send(200, 'text/html', landingPage(this.#options.version));
      default:
        return send(404, 'text/plain', 'nothing here; open a WebSocket, or see /health/ready\n');
    }
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const { authority, origins, connectionsMax, log } = this.#options;
    const full = this.#clients.size >= connectionsMax;
    const admission = handshake(request, { authority, origins, notReady: this.#notReady, full });
    const broker = this.#broker;
    if ('status' in admission) {
      log.info({ status: admission.status, reason: admission.reason }, 'connection refused');
      refuse(socket, admission.status, admission.reason);
      return;
    }
    this.#webSockets.handleUpgrade(request, socket, head, (made) => {
      const { outboundBytesMax, afterTurn } = this.#options;
      const webSocket = made as BrokerWebSocket;
      const connection = new Connection({ socket, webSocket, outboundBytesMax, budget: this.#budget, afterTurn });
      if (broker !== undefined) this.#welcome(connection, admission, broker);
    });
  }

  #welcome(connection: Connection, admission: Admission, broker: Broker): void {
    const { authority, limits, version, log, helloTimeoutMs } = this.#options;
    const session = new NativeSession(connection, {
      broker,
      authority,
      decoder: this.#decoder,
      namespace: admission.namespace,
      client: admission.client,
      graceMs: admission.graceMs,
      identity: admission.identity,
      helloBytesMax: limits.helloBytesMax,
      server: { name: 'holdfast', version },
      limits: {
        frame: limits.frameBytesMax,
        frames: limits.framesMax,
        batch: limits.batchMax,
        topics: limits.topicsMax,
        headers: limits.headersMax,
        header: limits.headerBytesMax,
        prefetch: limits.prefetchMax,
        depth: limits.depthMax,
      },
      closed: (code) => {
        this.#clients.delete(client);
        log.debug({ client: session.client, code }, 'disconnected');
      },
    });
    const client = { connection, session };
    connection.outbox.arrays = admission.arrays;
    this.#clients.add(client);
    log.debug({ client: admission.client, namespace: admission.namespace }, 'connected');
    if (admission.identity === undefined) {
      setTimeout(() => {
        if (!session.isOpen) connection.close(CLOSE.unauthenticated, 'no hello in time');
      }, helloTimeoutMs).unref();
    }
    session.begin();
  }

  /**
   * Cuts off those who gave no sign of life since they were pinged, and those who take nothing of what they are sent. These are
   * looked for twice a heartbeat, since they may stop taking at any time: so they are gone within two and a half.
   */
  #beat(): void {
    const pings = ++this.#beats % 2 === 0;
    const stalledBefore = performance.now() - 2 * this.#options.heartbeatMs;
    for (const { connection } of this.#clients) {
      if (connection.outbox.bytes > 0 && connection.outbox.progressAt < stalledBefore)
        connection.abandon(CLOSE.slowConsumer, 'slow consumer');
      else if (pings && !connection.isAlive()) connection.abandon(CLOSE.noHeartbeat, 'no heartbeat');
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits for it, but not for ever; leaves no timer behind that would keep the process alive. */
async function withinMs(done: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([done, late]);
  clearTimeout(timer);
}

function refuse(socket: Duplex, status: number, reason: string): void {
  const names: Readonly<Record<number, string>> = {
    400: 'Bad Request',
    401: 'Unauthorized',
    403: 'Forbidden',
    503: 'Service Unavailable',
  };
  const body = `${reason}\n`;
  // a peer that keeps its side open must not keep the socket
  socket.once('finish', () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} ${names[status] ?? 'Error'}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n${status === 401 ? 'WWW-Authenticate: Bearer\r\n' : ''}\r\n${body}`,
  );
}
