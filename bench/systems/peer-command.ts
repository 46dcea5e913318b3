/** How a peer's server is called: a command in PATH, or whatever a user has instead. */
import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import process from 'node:process';

export interface PeerCommand {
  readonly command: string;
  /** Before those that the bench adds. */
  readonly args: readonly string[];
}

/** A command in PATH, or the command line, split at spaces, in an environment variable. Undefined if there is neither. */
export function peerCommand(command: string, variable: string): PeerCommand | undefined {
  const [given, ...args] = (process.env[variable] ?? '').split(' ').filter((word) => word !== '');
  if (given !== undefined) return { command: given, args };
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(isAbsolute);
  return folders.some((folder) => isExecutable(join(folder, command))) ? { command, args: [] } : undefined;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
