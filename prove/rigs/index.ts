import type { Rig } from '../lib/rig.ts';
import { bitFlips } from './bit-flips.ts';
import { crashes } from './crashes.ts';
import { failingSync } from './failing-sync.ts';
import { fullDisk } from './full-disk.ts';
import { fuzz } from './fuzz.ts';
import { halfOpen } from './half-open.ts';
import { network } from './network.ts';
import { plantedBugs } from './planted-bugs.ts';
import { powerCutsExt4, powerCutsXfs } from './power-cuts.ts';
import { shrinking } from './shrinking.ts';
import { simulator } from './simulator.ts';
import { stalledReaders } from './stalled-readers.ts';
import { slowSync } from './slow-sync.ts';

/** In the order in which they run: what takes least first. */
export const rigs: readonly Rig[] = [
  simulator,
  fuzz,
  plantedBugs,
  crashes,
  network,
  halfOpen,
  stalledReaders,
  bitFlips,
  failingSync,
  slowSync,
  shrinking,
  fullDisk,
  powerCutsExt4,
  powerCutsXfs,
];
