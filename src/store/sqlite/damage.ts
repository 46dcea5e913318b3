/** What a read left out because it is not what was stored. */

export interface Damage {
  /** The queue's id. */
  readonly queue: number;
  /** Of the message, or of the first one in a block that can't be read. */
  readonly seq: number;
  readonly what: 'message' | 'block';
}

/** Takes up what a read comes across. */
export type OnDamage = (what: Damage['what'], seq: number) => void;
