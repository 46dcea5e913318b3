/** `holdfast check`: prints what the check of a data directory found. */
import { EXIT, type ExitCode } from './cli-error.ts';

export interface CheckResult {
  /** What was repaired, as a sentence. */
  readonly repaired: string | undefined;
  readonly findings: readonly string[];
  /** Undefined when the file is too damaged to be counted. */
  readonly counts:
    | Readonly<Record<'queues' | 'messages' | 'bodies' | 'bindings' | 'rememberedIds' | 'bytes', number>>
    | undefined;
}

export function checkCommand(dataDir: string, { repaired, findings, counts }: CheckResult): ExitCode {
  if (repaired !== undefined) console.log(repaired);
  for (const finding of findings) console.log(finding);
  if (counts !== undefined) {
    const { queues, messages, bodies, bindings, rememberedIds, bytes } = counts;
    console.log(
      `${dataDir}: ${queues} queues, ${messages} messages, ${bodies} shared bodies, ${bindings} bindings, ` +
        `${rememberedIds} remembered ids, ${bytes} bytes`,
    );
  }
  console.log(findings.length === 0 ? 'no findings: it is in good order' : `${findings.length} findings`);
  return findings.length === 0 ? EXIT.ok : EXIT.failed;
}
