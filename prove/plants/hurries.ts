/** What the broker does after minutes, in seconds, for short runs: planted as the bugs are, but none of them. */
import type { PlantedBug } from './bugs.ts';

export const hurries: readonly Pick<PlantedBug, 'id' | 'file' | 'changes'>[] = [
  {
    id: 'few-looks',
    file: 'store/sqlite/shrinking.ts',
    changes: [['const LOOKS = 120;', 'const LOOKS = 4;']],
  },
];
