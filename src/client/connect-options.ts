/** What `connect` can be told, with its defaults and bounds. */
import { SUBPROTOCOL } from '../protocol/native/frame.ts';
import { isName, NAME_FORM } from '../protocol/native/names.ts';
import { HoldfastError } from './holdfast-error.ts';

export interface ReconnectOptions {
  /** Wait before the first attempt, in ms; doubled with each one that fails, half of it by chance. Default 100. */
  readonly delayMin?: number;
  /** Longest wait, in ms. Default 10,000. */
  readonly delayMax?: number;
  /** Attempts in a row before the client gives up and closes. Default: never. */
  readonly attemptsMax?: number;
  /** Also wait for a broker that is not there when `connect` is called, instead of failing. Default false. */
  readonly initially?: boolean;
}

export interface ConnectOptions {
  /**
   * The client's name. It owns the inbox `@name`, which is durable and fills while the client is away. Without one the broker makes
   * up a name, whose inbox ends with the connection. A second connection of the same name takes over from the first.
   */
  readonly client?: string;
  /** The broker's token, if it has one. Sent in `hello`, never in the URL. */
  readonly token?: string;
  /** How long the messages this client holds are kept for it when its connection breaks, in ms. Default 0. */
  readonly grace?: number;
  /** Default: the URL's path, or `default`. Namespaces share nothing. */
  readonly namespace?: string;
  /** `false`: do not connect again, close instead. */
  readonly reconnect?: false | ReconnectOptions;
  /** Messages published and not yet answered at a time; `publish` waits beyond it. Default 1,024. */
  readonly outstandingMax?: number;
  /** The same in bytes. Default 16 MiB. */
  readonly outstandingBytesMax?: number;
  /** A connection that is silent for this long is pinged, and given up after twice as long, in ms. Default 20,000. */
  readonly heartbeat?: number;
  /** How long connecting and the broker's welcome may take together, in ms. Default 10,000. */
  readonly connectTimeout?: number;
}

/** The same, complete. */
export interface LinkSettings {
  readonly url: string;
  readonly protocol: string;
  readonly client: string | undefined;
  readonly token: string | undefined;
  readonly graceMs: number;
  readonly reconnect: (Required<Omit<ReconnectOptions, 'initially'>> & { readonly initially: boolean }) | undefined;
  readonly heartbeatMs: number;
  readonly connectTimeoutMs: number;
}

export const OUTSTANDING_MAX = 1024;
export const OUTSTANDING_BYTES_MAX = 16 * 1024 * 1024;

/** @throws {HoldfastError} `bad_field` for a URL or a name that can not be. */
export function linkSettings(url: string, options: ConnectOptions): LinkSettings {
  const { client, token, grace = 0, reconnect = {}, heartbeat = 20_000, connectTimeout = 10_000 } = options;
  if (client !== undefined && !isName(client))
    throw new HoldfastError('bad_field', `client must be ${NAME_FORM}, and is ${client}`);
  const { delayMin = 100, delayMax = 10_000, attemptsMax = Number.POSITIVE_INFINITY, initially = false } = reconnect || {};
  return {
    url: addressOf(url, options.namespace),
    protocol: SUBPROTOCOL,
    client,
    token,
    graceMs: grace,
    reconnect: reconnect === false ? undefined : { delayMin, delayMax, attemptsMax, initially },
    heartbeatMs: heartbeat,
    connectTimeoutMs: connectTimeout,
  };
}

function addressOf(url: string, namespace: string | undefined): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !['ws:', 'wss:', 'http:', 'https:'].includes(parsed.protocol)) {
    throw new HoldfastError('bad_field', `the address must be such as ws://127.0.0.1:4653, and is ${url}`);
  }
  parsed.protocol = parsed.protocol.replace('http', 'ws');
  parsed.hash = '';
  if (namespace === undefined) return parsed.href;
  if (!isName(namespace)) throw new HoldfastError('bad_field', `namespace must be ${NAME_FORM}, and is ${namespace}`);
  const inPath = parsed.pathname.slice(1);
  if (inPath !== '' && inPath !== namespace) {
    throw new HoldfastError('bad_field', `the address names the namespace ${inPath}, and the option namespace says ${namespace}`);
  }
  parsed.pathname = `/${namespace}`;
  return parsed.href;
}
