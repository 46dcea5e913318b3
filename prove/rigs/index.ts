import type { Rig } from '../lib/rig.ts';
import { bitFlips } from './bit-flips.ts';
import { crashes } from './crashes.ts';
import { failingSync } from './failing-sync.ts';
import { fullDisk } from './full-disk.ts';
import { fuzz } from './fuzz.ts';
import { network } from './network.ts';
import { plantedBugs } from './planted-bugs.ts';
import { powerCutsExt4, powerCutsXfs } from './power-cuts.ts';
import { simulator } from './simulator.ts';

/** In the order in which they run: what takes least first. */
export const rigs: readonly Rig[] = [
  simulator,
  fuzz,
  plantedBugs,
  crashes,
  network,
  bitFlips,
  failingSync,
  fullDisk,
  powerCutsExt4,
  powerCutsXfs,
];
