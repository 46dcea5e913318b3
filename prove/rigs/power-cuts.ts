/** The power is cut at random moments under load: what the broker confirmed must be on the disk, not on its way there. */
import { crashFindings } from '../lib/crash-findings.ts';
import { type FileSystem, noPowerCut } from '../lib/loop-mount.ts';
import { PowerCutBroker } from '../lib/power-cut-broker.ts';
import type { Rig } from '../lib/rig.ts';

const CUTS = 250;
const CUTS_QUICK = 5;
const DRAIN_MS = 60_000;

function powerCuts(fileSystem: FileSystem, title: string): Rig {
  return {
    id: `power-${fileSystem}`,
    title: `${CUTS} power cuts on ${title}`,
    description:
      `As the crashes, but the data lie on ${title} on a loop device, which is shut down under load with nothing more written ` +
      '(xfs_io -x -c shutdown), before the process is killed, unmounted, mounted and started again.',
    obstacle: () => noPowerCut(fileSystem),
    async run({ seed, quick, say }) {
      const broker = new PowerCutBroker(fileSystem);
      const rounds = quick ? CUTS_QUICK : CUTS;
      try {
        return await crashFindings({
          rounds,
          seed,
          loadMs: [30, 200],
          drainMs: DRAIN_MS,
          broker,
          dataDir: broker.dataDir,
          progress: (done) => (done % 50 === 0 ? say(`${done} of ${rounds} cuts`) : undefined),
        });
      } finally {
        await broker.dispose();
      }
    },
  };
}

export const powerCutsExt4 = powerCuts('ext4', 'ext4');
export const powerCutsXfs = powerCuts('xfs', 'XFS');
