/** Composes a broker from its configuration and runs it until a signal ends it. */
import { randomFillSync } from 'node:crypto';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import pino, { type Logger } from 'pino';
import type { Broker } from './broker/broker.ts';
import { type Clock, systemClock } from './broker/clock.ts';
import { LocalBroker } from './broker/local-broker.ts';
import { type Config, refusalToListen } from './config.ts';
import { DEFAULT_LIMITS } from './protocol/native/limits.ts';
import { sharedTokenAuthority } from './server/auth/shared-token.ts';
import { Server } from './server/server.ts';
import { DiskSpace } from './store/sqlite/disk-space.ts';
import { openSqliteStore } from './store/sqlite/sqlite-store.ts';
import { version } from './version.ts';

/** The database in the data directory. */
export const DATABASE_FILE = 'holdfast.db';

/** Bytes of bodies that all queues together keep ready in memory, before each keeps less. */
const READY_TOTAL_BYTES_MAX = 256 * 1024 * 1024;
const QUEUES_LOADED_MAX = 50_000;
const ROUTES_MAX = 1_000_000;

/** The process can not go on, and says why in one line. */
export class ServeError extends Error {
  override readonly name = 'ServeError';
}

/** Resolves when the broker has shut down in good order. */
export async function serve(config: Config): Promise<void> {
  // what survives a young collection is small here, and dividing it among threads costs more than it saves: 130,000 messages/s
  // instead of 113,000 on two cores
  setFlagsFromString('--no-parallel-scavenge');
  const refusal = refusalToListen(config);
  if (refusal !== undefined) throw new ServeError(refusal);
  const log = pino(
    { level: config.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ fd: 2, sync: true }),
  );
  const clock = systemClock();
  const server = serverOf(config, clock, log);
  const stopped = signalled();
  // listens before the data is open, so that whoever asks is told that the broker is starting
  const port = await server.listen();
  let broker: Broker | undefined;
  try {
    broker = await startBroker(config, clock, log);
    server.open(broker);
    announce(config, port, log);
    await stopped;
    log.info('draining');
  } finally {
    await server.drain(config.drainTimeoutMs);
    await broker?.close();
  }
  log.info('stopped');
}

async function startBroker(config: Config, clock: Clock, log: Logger): Promise<Broker> {
  const path = join(config.dataDir, DATABASE_FILE);
  const store = await openSqliteStore({
    path,
    onDamage: ({ what, queue, seq }) =>
      log.error(
        { what, queue, seq, file: path },
        'damaged on the disk, and not delivered: stop the broker and run holdfast check',
      ),
  });
  const space = await DiskSpace.watch({
    directory: config.dataDir,
    reserveBytes: config.diskReserveBytes,
    changed(isLow, freeBytes) {
      if (isLow) log.error({ freeBytes, reserve: config.diskReserveBytes }, 'the disk is nearly full: publishes are refused');
      else log.info({ freeBytes }, 'there is room on the disk again: publishes are taken');
    },
  });
  return LocalBroker.start({
    store,
    space,
    clock,
    fillRandom: randomFillSync,
    limits: {
      readyMessagesMax: config.readyMessagesMax,
      readyBytesMax: config.readyBytesMax,
      readyTotalBytesMax: READY_TOTAL_BYTES_MAX,
      unackedMax: config.unackedMax,
      subscriptionsMax: config.subscriptionsMax,
      queuesLoadedMax: QUEUES_LOADED_MAX,
      routesMax: ROUTES_MAX,
    },
    defaults: { leaseMs: config.leaseMs, backoffMs: [] },
    dedupWindowMs: config.dedupWindowMs,
    idleUnloadMs: config.idleUnloadMs,
    uncommittedBytesMax: config.uncommittedBytesMax,
    failed: (error) => stopAtOnce(log, error),
  });
}

function serverOf(config: Config, clock: Clock, log: Logger): Server {
  return new Server({
    log,
    version,
    authority: sharedTokenAuthority(config.token),
    host: config.host,
    port: config.port,
    origins: { allowed: config.allowedOrigins, loopbackOnly: config.token === undefined },
    limits: { ...DEFAULT_LIMITS, ...limitsOf(config) },
    outboundBytesMax: config.outboundBytesMax,
    outboundTotalBytesMax: config.outboundTotalBytesMax,
    connectionsMax: config.connectionsMax,
    heartbeatMs: config.heartbeatMs,
    helloTimeoutMs: config.helloTimeoutMs,
    afterTurn: (task) => clock.afterTurn(task),
  });
}

function limitsOf(config: Config): Partial<typeof DEFAULT_LIMITS> {
  const { frameBytesMax, helloBytesMax, batchMax, headersMax, headerBytesMax, depthMax, prefetchMax } = config;
  return { frameBytesMax, helloBytesMax, batchMax, headersMax, headerBytesMax, depthMax, prefetchMax };
}

/** One line on stdout for programs, the rest on stderr for people. */
function announce(config: Config, port: number, log: Logger): void {
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  const url = `ws://${host}:${port}`;
  log.info({ url, data: config.dataDir, version }, 'ready');
  process.stdout.write(`holdfast ready ${url}\n`);
  if (!log.isLevelEnabled('info')) return;
  const here = url.replace('0.0.0.0', '127.0.0.1').replace('[::]', '[::1]');
  const token = config.token === undefined ? '' : ' --token "$HOLDFAST_TOKEN"';
  // as it was started: in a checkout `npm start` brings the right Node along
  const command = process.env['npm_lifecycle_event'] === 'start' ? 'npm start -s --' : 'npx holdfast';
  process.stderr.write(
    `\n  Holdfast ${version} listens on ${url}, its data is in ${config.dataDir}\n\n` +
      '  Try it, in another terminal:\n' +
      `    ${command} subscribe orders --ack --url ${here}${token}\n` +
      `    ${command} publish orders '{"sku":"A-17"}' --url ${here}${token}\n\n`,
  );
}

/** Resolves at the first signal; the second one ends the process at once. */
function signalled(): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      resolve();
      process.once('SIGTERM', () => process.exit(143));
      process.once('SIGINT', () => process.exit(130));
    };
    process.once('SIGTERM', stop);
    process.once('SIGINT', stop);
  });
}

/**
 * The disk did not take a batch. Nothing of it was confirmed, and nothing in memory can be trusted to agree with the disk any
 * more, so the process ends and the next start recovers from what is there.
 */
function stopAtOnce(log: Logger, error: unknown): void {
  log.fatal({ err: error }, 'the store failed: stopping at once, nothing unconfirmed was confirmed');
  process.exit(1);
}
