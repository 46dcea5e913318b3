/**
 * Which pages may connect. A browser sends the origin of the page that opens a WebSocket, and lets any page open one to any host:
 * without this check every web site could speak to a broker on its visitor's machine (RFC 6455, section 10.2).
 */

export interface OriginRules {
  /** Origins besides the broker's own, such as `https://app.example.com`. */
  readonly allowed: readonly string[];
  /** There is no token, so the only protection is that the broker is on this machine: it must have been asked for by such a name. */
  readonly loopbackOnly: boolean;
}

export interface RequestedBy {
  readonly origin: string | undefined;
  readonly host: string | undefined;
}

/** Why this request is refused; undefined when it isn't. */
export function originRefusal({ origin, host }: RequestedBy, rules: OriginRules): string | undefined {
  if (rules.loopbackOnly && !isLoopbackName(host)) {
    // a name of the attacker's that leads to 127.0.0.1 (DNS rebinding) would otherwise make his page's origin the broker's own
    return `this broker has no token and answers only to localhost, not to ${printable(host ?? '')}`;
  }
  if (origin === undefined || rules.allowed.includes(origin)) return undefined;
  if (origin === `http://${host}` || origin === `https://${host}`) return undefined;
  return `pages of ${printable(origin)} may not connect; allow them with --allow-origin ${printable(origin)}`;
}

function isLoopbackName(host: string | undefined): boolean {
  const name = (host ?? '').replace(/:\d+$/, '').toLowerCase();
  return name === 'localhost' || name === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(name);
}

const printable = (text: string): string => text.replace(/[^\x21-\x7e]/g, '?').slice(0, 200);
