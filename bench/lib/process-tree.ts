/**
 * What a process costs together with all that it started, read from /proc. On systems without /proc every figure is NaN: reports
 * show it as a dash.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** The figures of one process and its descendants, and of whatever else is in its session. */
export interface ProcessTree {
  /** CPU seconds used so far, user and system, also by children that have ended and were waited for. */
  readonly cpuSeconds: () => number;
  /** Resident now, in MiB. What processes share counts for each of them. */
  readonly residentMiB: () => number;
  /** The sum of each living process's highest, in MiB: never less than what they had together at any time. */
  readonly peakMiB: () => number;
}

interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  readonly cpuTicks: number;
}

let ticksPerSecond: number | undefined;

export function processTree(root: number): ProcessTree {
  const memory = (field: 'VmRSS' | 'VmHWM'): number => sumOver(membersOf(root), ({ pid }) => statusKiB(pid, field)) / 1024;
  return {
    cpuSeconds: () => sumOver(membersOf(root), ({ cpuTicks }) => cpuTicks) / clockTicks(),
    residentMiB: () => memory('VmRSS'),
    peakMiB: () => memory('VmHWM'),
  };
}

/** NaN without members: a process that has ended, or a system without /proc, has no figures. */
function sumOver(members: readonly ProcessStat[], figure: (member: ProcessStat) => number): number {
  return members.length === 0 ? Number.NaN : members.reduce((sum, member) => sum + figure(member), 0);
}

/** The pids of a process, its descendants and its session. */
export function pidsOf(root: number): readonly number[] {
  return membersOf(root).map(({ pid }) => pid);
}

function membersOf(root: number): readonly ProcessStat[] {
  const all = allProcesses();
  const members = new Map<number, ProcessStat>();
  const join = (process: ProcessStat): void => {
    if (members.has(process.pid)) return;
    members.set(process.pid, process);
    for (const other of all) if (other.parent === process.pid) join(other);
  };
  for (const process of all) if (process.pid === root || process.session === root) join(process);
  return [...members.values()];
}

function allProcesses(): readonly ProcessStat[] {
  if (process.platform !== 'linux') return [];
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
  return pids.flatMap((pid) => statOf(Number(pid)) ?? []);
}

/** proc_pid_stat(5). The second field is the command's name in parentheses, which may hold anything. */
function statOf(pid: number): ProcessStat | undefined {
  const text = readProc(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]);
  return { pid, parent: field(4), session: field(6), cpuTicks: field(14) + field(15) + field(16) + field(17) };
}

function statusKiB(pid: number, field: string): number {
  const line = readProc(`/proc/${pid}/status`)
    ?.split('\n')
    .find((each) => each.startsWith(`${field}:`));
  return line === undefined ? 0 : Number.parseInt(line.slice(field.length + 1), 10);
}

/** Undefined for a process that has ended meanwhile. */
function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function clockTicks(): number {
  ticksPerSecond ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  return ticksPerSecond;
}
