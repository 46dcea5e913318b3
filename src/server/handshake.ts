/** Decides about a request to open a WebSocket: who asks, for which namespace, and whether it may. Pure. */
import type { IncomingMessage } from 'node:http';
import { SUBPROTOCOL } from '../protocol/native/frame.ts';
import { DURATION_MS_MAX } from '../protocol/native/limits.ts';
import { isName, NAME_FORM } from '../protocol/native/names.ts';
import type { Authority, Identity } from './auth/authority.ts';
import { type OriginRules, originRefusal } from './origin.ts';

export interface Admission {
  readonly namespace: string;
  readonly client: string | undefined;
  readonly arrays: boolean;
  /** How long what the client holds when it vanishes is kept for its return, in ms. */
  readonly graceMs: number;
  /** Undefined: `hello` must show a token. */
  readonly identity: Identity | undefined;
}

export interface Refusal {
  /** Of HTTP. */
  readonly status: number;
  readonly reason: string;
}

export interface HandshakeRules {
  readonly authority: Authority;
  readonly origins: OriginRules;
  /** Why nobody is let in at the moment. */
  readonly notReady: 'starting' | 'draining' | undefined;
  readonly full: boolean;
}

const DEFAULT_NAMESPACE = 'default';
const PARAMETERS = ['client', 'arrays', 'grace'];

export function handshake(request: Pick<IncomingMessage, 'url' | 'headers'>, rules: HandshakeRules): Admission | Refusal {
  const { headers } = request;
  if (rules.notReady === 'starting') return { status: 503, reason: 'the broker is starting; connect again' };
  if (rules.notReady === 'draining') return { status: 503, reason: 'the broker is shutting down; connect again' };
  if (rules.full)
    return { status: 503, reason: 'the broker has as many connections as connections-max allows; connect again later' };
  const refusal = originRefusal({ origin: headers.origin, host: headers.host }, rules.origins);
  if (refusal !== undefined) return { status: 403, reason: refusal };
  const offered = headers['sec-websocket-protocol']?.split(',').map((name) => name.trim());
  if (offered !== undefined && !offered.includes(SUBPROTOCOL)) {
    return {
      status: 400,
      reason: `no known subprotocol among ${offered.join(', ').slice(0, 100)}; offer ${SUBPROTOCOL}, or none`,
    };
  }
  const token = bearerToken(headers.authorization);
  const identity = rules.authority.identify(token);
  if (identity === undefined && token !== undefined) return { status: 401, reason: 'the token is wrong' };
  return address(request.url ?? '/', identity);
}

/** Reads `/NAMESPACE?client=NAME&arrays=1&grace=MS`. */
function address(url: string, identity: Identity | undefined): Admission | Refusal {
  // not resolved against a base, for which `//host/path` would be another host's
  const absolute = `ws://broker${url}`;
  if (!url.startsWith('/') || !URL.canParse(absolute)) return { status: 400, reason: 'the address can not be read' };
  const { pathname, searchParams } = new URL(absolute);
  const namespace = pathname === '/' ? DEFAULT_NAMESPACE : pathname.slice(1);
  if (!isName(namespace)) return { status: 400, reason: `the path must be / or /NAMESPACE, a namespace being ${NAME_FORM}` };
  const unknown = [...searchParams.keys()].find((name) => !PARAMETERS.includes(name));
  if (unknown !== undefined)
    return {
      status: 400,
      reason: `there is no parameter ${JSON.stringify(unknown.slice(0, 40))}; there are ${PARAMETERS.join(', ')}`,
    };
  const client = searchParams.get('client') ?? undefined;
  if (client !== undefined && !isName(client)) return { status: 400, reason: `client must be ${NAME_FORM}` };
  const arrays = searchParams.get('arrays') ?? '0';
  if (arrays !== '0' && arrays !== '1') return { status: 400, reason: 'arrays must be 0 or 1' };
  const grace = searchParams.get('grace') ?? '0';
  if (!/^\d{1,16}$/.test(grace) || Number(grace) > DURATION_MS_MAX)
    return { status: 400, reason: `grace must be a whole number of milliseconds from 0 to ${DURATION_MS_MAX}` };
  return { namespace, client, arrays: arrays === '1', graceMs: Number(grace), identity };
}

function bearerToken(header: string | undefined): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(header ?? '')?.[1];
}
