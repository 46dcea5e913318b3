/** What came out, as a Markdown table with a row for each setting. */
import { table } from '../../bench/lib/table.ts';
import type { Tally } from './power-cut-rounds.ts';
import type { Setting } from './settings.ts';

/** One setting's outcome: what was counted, or why it was not. */
export interface Row {
  readonly setting: Pick<Setting, 'id' | 'product' | 'title' | 'promise'>;
  readonly tally?: Tally;
  /** There is no command for it. */
  readonly skipped?: string;
  /** The rounds could not be run to their end. */
  readonly failed?: string;
}

const HEADER = [
  'broker',
  'setting',
  'a confirmed message, by its documents',
  'rounds',
  'confirmed',
  'lost',
  'rounds with loss',
  'not back',
  'confirmed/s',
] as const;
const TEXT_COLUMNS = 3;

export function peersTable(rows: readonly Row[]): string {
  return table(HEADER, rows.map(cellsOf), TEXT_COLUMNS);
}

function cellsOf({ setting, tally, skipped, failed }: Row): readonly string[] {
  const { product, title, promise } = setting;
  if (tally === undefined)
    return [product, title, promise, skipped === undefined ? `failed: ${failed ?? ''}` : `skipped: ${skipped}`];
  const { version, rounds, confirmed, lost, roundsWithLoss, failures, seconds } = tally;
  const perSecond = seconds === 0 ? 0 : Math.round(confirmed / seconds);
  const figures = [rounds, confirmed, lost, roundsWithLoss, failures.length, perSecond];
  return [`${product} ${version}`.trim(), title, promise, ...figures.map((figure) => figure.toLocaleString('en-US'))];
}
