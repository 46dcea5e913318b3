/** A broker with its server in this process, on a port of its own, and clients that are closed with it. */
import { randomFillSync, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../src/broker/clock.ts';
import { LocalBroker } from '../../src/broker/local-broker.ts';
import { DEFAULT_LIMITS, type FrameLimits } from '../../src/protocol/native/limits.ts';
import { sharedTokenAuthority } from '../../src/server/auth/shared-token.ts';
import { Server, type ServerOptions } from '../../src/server/server.ts';
import { MemoryStore } from '../../src/store/memory/memory-store.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { type ConnectOptions, RawClient } from './raw-client.ts';
import { Transcript } from './transcript.ts';

export interface LiveBrokerOptions {
  readonly token?: string;
  readonly allowedOrigins?: readonly string[];
  readonly limits?: Partial<FrameLimits>;
  readonly server?: Partial<Omit<ServerOptions, 'broker' | 'limits'>>;
  readonly leaseMs?: number;
  readonly unackedMax?: number;
  readonly uncommittedBytesMax?: number;
  /** In a temporary directory; else all is kept in memory. */
  readonly sqlite?: boolean;
  readonly wrap?: (store: Store) => Store;
}

export class LiveBroker {
  readonly server: Server;
  readonly port: number;
  readonly failures: unknown[];
  readonly #broker: LocalBroker;
  readonly #clients: RawClient[] = [];
  #stopped: Promise<void> | undefined;

  private constructor(parts: { server: Server; broker: LocalBroker; port: number; failures: unknown[] }) {
    this.server = parts.server;
    this.port = parts.port;
    this.failures = parts.failures;
    this.#broker = parts.broker;
  }

  /** Stopped when the test that starts it ends. */
  static async start(options: LiveBrokerOptions = {}): Promise<LiveBroker> {
    const clock = systemClock();
    const store = await openStore(options.sqlite === true);
    const failures: unknown[] = [];
    const broker = await LocalBroker.start({
      fillRandom: randomFillSync,
      store: options.wrap?.(store) ?? store,
      clock,
      limits: {
        readyMessagesMax: 1000,
        readyBytesMax: 1024 * 1024,
        readyTotalBytesMax: 64 * 1024 * 1024,
        unackedMax: options.unackedMax ?? 100_000,
        subscriptionsMax: 100,
        queuesLoadedMax: 10_000,
        routesMax: 10_000,
      },
      defaults: { leaseMs: options.leaseMs ?? 60_000, backoffMs: [] },
      dedupWindowMs: 300_000,
      idleUnloadMs: 600_000,
      uncommittedBytesMax: options.uncommittedBytesMax ?? 16 * 1024 * 1024,
      space: { isLow: false },
      failed: (error) => failures.push(error),
    });
    const server = new Server({
      log: pino({ level: 'silent' }),
      version: '0.0.0-test',
      authority: sharedTokenAuthority(options.token),
      host: '127.0.0.1',
      port: 0,
      origins: { allowed: options.allowedOrigins ?? [], loopbackOnly: options.token === undefined },
      limits: { ...DEFAULT_LIMITS, ...options.limits },
      outboundBytesMax: 1024 * 1024,
      outboundTotalBytesMax: 64 * 1024 * 1024,
      connectionsMax: 1000,
      heartbeatMs: 30_000,
      helloTimeoutMs: 10_000,
      afterTurn: (task) => clock.afterTurn(task),
      ...options.server,
    });
    server.open(broker);
    const live = new LiveBroker({ server, broker, port: await server.listen(), failures });
    onTestFinished(() => live.stop());
    return live;
  }

  url(path = '/'): string {
    return `ws://127.0.0.1:${this.port}${path}`;
  }

  get http(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Resolves when the WebSocket is open. */
  async connect(path = '/', options: ConnectOptions = {}): Promise<RawClient> {
    const client = await RawClient.connect(this.url(path), options);
    this.#clients.push(client);
    return client;
  }

  /** Plays a transcript; see `Transcript`. */
  transcript(text: string): Promise<void> {
    return new Transcript((path) => this.connect(path)).play(text);
  }

  /** Without waiting for the clients. */
  async stop(): Promise<void> {
    for (const client of this.#clients) client.terminate();
    await this.shutDown();
  }

  /** As a signal does, with the clients still there. */
  shutDown(): Promise<void> {
    this.#stopped ??= this.#shutDown();
    return this.#stopped;
  }

  async #shutDown(): Promise<void> {
    await this.server.drain(5000);
    await this.#broker.close();
  }
}

async function openStore(sqlite: boolean): Promise<Store> {
  if (!sqlite) return new MemoryStore();
  const directory = await mkdtemp(join(tmpdir(), `holdfast-${randomUUID()}-`));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return openSqliteStore({ path: join(directory, 'holdfast.db') });
}
