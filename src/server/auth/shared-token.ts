/** One token for everybody, or none at all: whoever is let in may do everything. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Authority } from './authority.ts';

const digest = (token: string): Buffer => createHash('sha256').update(token).digest();

/** Without a token everybody is let in; the composition root allows that on loopback only. */
export function sharedTokenAuthority(token: string | undefined): Authority {
  const wanted = token === undefined ? undefined : digest(token);
  return {
    tokenNeeded: wanted !== undefined,
    identify(shown) {
      if (wanted === undefined) return { name: 'anyone' };
      // digests are equally long whatever was shown, so that the comparison takes the same time for every token
      if (shown === undefined || !timingSafeEqual(digest(shown), wanted)) return undefined;
      return { name: 'token' };
    },
    allows: () => true,
  };
}
