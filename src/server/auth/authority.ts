/**
 * Who may do what: one question when a client comes, one for each verb. Sessions ask; nothing else in the broker knows about
 * tokens or permissions.
 */
export interface Identity {
  /** For logs; never a secret. */
  readonly name: string;
}

export type Verb = 'publish' | 'subscribe' | 'unsubscribe' | 'ack' | 'nack' | 'extend' | 'declare' | 'bind' | 'unbind';

/** What a verb is about. A message to publish and a subscription's target are such a thing as they are. */
export interface Resource {
  readonly queue: string | undefined;
  readonly topics?: readonly string[] | undefined;
  readonly topic?: string | undefined;
}

export interface Authority {
  /** Nobody comes in without a token. */
  readonly tokenNeeded: boolean;
  /** Who shows this token (undefined: shows none); undefined when that lets nobody in. */
  identify(token: string | undefined): Identity | undefined;
  allows(identity: Identity, verb: Verb, namespace: string, client: string, resource: Resource): boolean;
}
