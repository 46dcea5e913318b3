/**
 * The one table of what `holdfast serve` can be told. Each option is a flag (`--frame-max 2MiB`) and an environment variable
 * (`HOLDFAST_FRAME_MAX=2MiB`); its key here is its name in `Config`. `--help` and docs/configuration.md are written from this table.
 * Defaults, minimum and maximum are in bytes, milliseconds or pieces, as `kind` says.
 */

const KIB = 1024;
const MIB = 1024 * KIB;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export interface AmountOption {
  readonly kind: 'count' | 'bytes' | 'ms';
  readonly flag: string;
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly help: string;
}
interface TextOption {
  readonly kind: 'text' | 'secret';
  readonly flag: string;
  readonly placeholder: string;
  readonly default: string | undefined;
  readonly help: string;
}
interface ChoiceOption {
  readonly kind: 'choice';
  readonly flag: string;
  readonly choices: readonly string[];
  readonly default: string;
  readonly help: string;
}
interface OriginsOption {
  readonly kind: 'origins';
  readonly flag: string;
  readonly default: readonly string[];
  readonly help: string;
}
export type Option = AmountOption | TextOption | ChoiceOption | OriginsOption;

export const OPTIONS = {
  host: {
    kind: 'text',
    flag: 'host',
    placeholder: 'address',
    default: '127.0.0.1',
    help: 'Address to listen on. Any but a loopback address needs a token.',
  },
  port: { kind: 'count', flag: 'port', default: 4653, min: 0, max: 65_535, help: 'Port to listen on; 0 takes any free one.' },
  dataDir: {
    kind: 'text',
    flag: 'data',
    placeholder: 'directory',
    default: './data',
    help: 'Directory that holds the messages. One broker at a time.',
  },
  logLevel: {
    kind: 'choice',
    flag: 'log-level',
    choices: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    default: 'info',
    help: 'Least serious log line to write. Logs go to stderr, as JSON lines.',
  },
  token: {
    kind: 'secret',
    flag: 'token',
    placeholder: 'secret',
    default: undefined,
    help: 'Secret that every client must show. Better in the environment or a file.',
  },
  tokenFile: {
    kind: 'text',
    flag: 'token-file',
    placeholder: 'path',
    default: undefined,
    help: 'File that holds the token; space around it is ignored.',
  },
  allowedOrigins: {
    kind: 'origins',
    flag: 'allow-origin',
    default: [],
    help: "Web origin that browsers may connect from, besides the broker's own. Repeat it, or separate several by commas.",
  },

  frameBytesMax: {
    kind: 'bytes',
    flag: 'frame-max',
    default: MIB,
    min: KIB,
    max: 64 * MIB,
    help: 'One WebSocket message from a client.',
  },
  helloBytesMax: {
    kind: 'bytes',
    flag: 'hello-max',
    default: 64 * KIB,
    min: KIB,
    max: 64 * MIB,
    help: 'One WebSocket message before the session is open.',
  },
  batchMax: {
    kind: 'count',
    flag: 'batch-max',
    default: 1000,
    min: 1,
    max: 100_000,
    help: 'Members of `messages` or `ids` in one frame.',
  },
  headersMax: { kind: 'count', flag: 'headers-max', default: 32, min: 0, max: 1000, help: 'Headers of one message.' },
  headerBytesMax: {
    kind: 'bytes',
    flag: 'header-max',
    default: KIB,
    min: 16,
    max: 64 * KIB,
    help: 'One header, its name and value together.',
  },
  depthMax: {
    kind: 'count',
    flag: 'depth-max',
    default: 1000,
    min: 8,
    max: 10_000,
    help: 'Arrays and objects inside one another in a frame.',
  },
  prefetchMax: {
    kind: 'count',
    flag: 'prefetch-max',
    default: 10_000,
    min: 1,
    max: 1_000_000,
    help: 'Highest `prefetch` of a subscription.',
  },

  dedupWindowMs: {
    kind: 'ms',
    flag: 'dedup-window',
    default: 5 * MINUTE,
    min: 0,
    max: 7 * DAY,
    help: 'How long an id is remembered, so that publishing it again stores nothing.',
  },
  leaseMs: {
    kind: 'ms',
    flag: 'lease',
    default: MINUTE,
    min: SECOND,
    max: DAY,
    help: 'Lease of new queues: how long a consumer may hold a message.',
  },
  heartbeatMs: {
    kind: 'ms',
    flag: 'heartbeat',
    default: 20 * SECOND,
    min: 100,
    max: HOUR,
    help: 'How often a silent client is pinged. One that is silent for two of these is closed.',
  },
  helloTimeoutMs: {
    kind: 'ms',
    flag: 'hello-timeout',
    default: 30 * SECOND,
    min: 100,
    max: HOUR,
    help: 'How long a connection may take to send its request, and then, where a token is needed, to show it.',
  },
  idleUnloadMs: {
    kind: 'ms',
    flag: 'idle-unload',
    default: 30 * SECOND,
    min: 100,
    max: DAY,
    help: 'When a queue that nobody touches leaves memory.',
  },
  drainTimeoutMs: {
    kind: 'ms',
    flag: 'drain-timeout',
    default: 10 * SECOND,
    min: 0,
    max: HOUR,
    help: 'How long a shutdown may take to answer what was received.',
  },

  uncommittedBytesMax: {
    kind: 'bytes',
    flag: 'uncommitted-max',
    default: 32 * MIB,
    min: 64 * KIB,
    max: 4096 * MIB,
    help: "Publishes received but not yet on disk, in the whole process. Past it, publishers' sockets are not read.",
  },
  diskReserveBytes: {
    kind: 'bytes',
    flag: 'disk-reserve',
    default: 128 * MIB,
    min: 0,
    max: 1024 * 1024 * MIB,
    help: 'Room on the disk that publishes must leave, so that acknowledging goes on. With less, they are refused; 0 to take all.',
  },
  readyMessagesMax: {
    kind: 'count',
    flag: 'ready-messages-max',
    default: 2000,
    min: 1,
    max: 1_000_000,
    help: 'Messages of one queue kept ready in memory.',
  },
  readyBytesMax: {
    kind: 'bytes',
    flag: 'ready-bytes-max',
    default: 4 * MIB,
    min: KIB,
    max: 1024 * MIB,
    help: 'Bytes of one queue kept ready in memory.',
  },
  unackedMax: {
    kind: 'count',
    flag: 'unacked-max',
    default: 50_000,
    min: 1,
    max: 10_000_000,
    help: 'Messages that one connection may hold unacknowledged.',
  },
  subscriptionsMax: {
    kind: 'count',
    flag: 'subscriptions-max',
    default: 1000,
    min: 1,
    max: 1_000_000,
    help: 'Subscriptions of one connection.',
  },
  outboundBytesMax: {
    kind: 'bytes',
    flag: 'outbound-max',
    default: 128 * KIB,
    min: KIB,
    max: 1024 * MIB,
    help: 'Sent to one connection and not yet taken by it.',
  },
  outboundTotalBytesMax: {
    kind: 'bytes',
    flag: 'outbound-total-max',
    default: 64 * MIB,
    min: 64 * KIB,
    max: 16_384 * MIB,
    help: 'The same for all connections together.',
  },
  connectionsMax: {
    kind: 'count',
    flag: 'connections-max',
    default: 65_536,
    min: 1,
    max: 10_000_000,
    help: 'Connections at a time.',
  },
} as const satisfies Readonly<Record<string, Option>>;

export type OptionName = keyof typeof OPTIONS;

/** Two options of which the first must not be above the second. */
export const ORDERED: readonly (readonly [OptionName, OptionName])[] = [
  ['helloBytesMax', 'frameBytesMax'],
  ['frameBytesMax', 'uncommittedBytesMax'],
  ['outboundBytesMax', 'outboundTotalBytesMax'],
];
