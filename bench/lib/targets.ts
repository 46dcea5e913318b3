/** Targets that compare medians of two contenders, whose names say who they are. */
import type { Sample, Samples, Target } from './scenario.ts';
import { medianOf } from './statistics.ts';

/** How the peers are named. */
export const PEERS = {
  jetStream: /^JetStream.*default/,
  jetStreamSync: /^JetStream.*sync/,
  rabbitMq: /^RabbitMQ/,
  mosquitto: /^Mosquitto/,
  /** They confirm before a message is on disk. */
  withoutFsync: /^(JetStream.*default|Mosquitto)/,
  /** Socket.IO keeps nothing and is no broker. */
  brokers: /^(JetStream|RabbitMQ|Mosquitto)/,
} as const;

export interface Comparison {
  readonly text: string;
  /** The contender that is asked for. */
  readonly of: string;
  /** With the best of those whose names match. */
  readonly with: RegExp;
  /** `more`: its figure is at least so many times theirs. `less`: theirs, of which less is better, at least so many times its. */
  readonly better: 'more' | 'less';
  readonly atLeast: number;
  /** The value if not given. */
  readonly figure?: (sample: Sample) => number;
}

/** Undefined unless both have run. */
export function compared({ text, of, with: others, better, atLeast, figure = ({ value }) => value }: Comparison): Target {
  return {
    text,
    judge(samples) {
      const own = medianIn(samples, of, figure);
      const best = bestOf(samples, others, better, figure);
      if (own === undefined || best === undefined) return undefined;
      const times = better === 'more' ? own / best.median : best.median / own;
      const measured = better === 'more' ? `${timesOf(times)} ${best.name}` : `${timesOf(1 / times)} ${best.name}`;
      return { measured, holds: times >= atLeast };
    },
  };
}

export interface Bound {
  readonly text: string;
  readonly of: string;
  readonly figure: (sample: Sample) => number;
  readonly most: number;
  readonly unit: string;
}

/** That a median is not above a figure of its own. Undefined unless the contender has run. */
export function atMost({ text, of, figure, most, unit }: Bound): Target {
  return {
    text,
    judge(samples) {
      const median = medianIn(samples, of, figure);
      return median === undefined ? undefined : { measured: `${median.toPrecision(3)} ${unit}`, holds: median <= most };
    },
  };
}

/** The median over a contender's runs; undefined if there are none. */
export function medianIn(samples: Samples, name: string, figure: (sample: Sample) => number): number | undefined {
  const own = samples.get(name) ?? [];
  return own.length === 0 ? undefined : medianOf(own.map(figure));
}

function bestOf(
  samples: Samples,
  names: RegExp,
  better: 'more' | 'less',
  figure: (sample: Sample) => number,
): { readonly name: string; readonly median: number } | undefined {
  const sign = better === 'more' ? -1 : 1;
  const all = [...samples.keys()].filter((name) => names.test(name));
  const medians = all.map((name) => ({ name, median: medianIn(samples, name, figure) ?? Number.NaN }));
  return medians.toSorted((a, b) => sign * (a.median - b.median))[0];
}

function timesOf(times: number): string {
  return `${times.toPrecision(3)} ×`;
}
