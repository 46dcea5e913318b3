/**
 * A server that someone else has started, on this machine, with settings of his own. What it costs is read from the process that
 * listens on its port, where the operating system tells which that is.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { processTree } from '../lib/process-tree.ts';
import type { System } from '../lib/system.ts';

export interface RunningServer extends Pick<System, 'title' | 'protocol' | 'suits'> {
  /** Asks it. */
  readonly version: (port: number) => Promise<string>;
}

/** States of a socket in /proc/net/tcp. */
const LISTENING = '0A';
const LOCAL_HOSTS = ['127.0.0.1', 'localhost'];

/** @param url where it takes WebSockets, `ws://127.0.0.1:8080`. @throws for one on another machine */
export function runningServer(url: string, { version, ...server }: RunningServer): System {
  const { hostname, port: portText } = new URL(url);
  if (!LOCAL_HOSTS.includes(hostname)) throw new Error(`${url} is not on this machine, 127.0.0.1`);
  const port = Number(portText);
  return {
    ...server,
    durability: 'as configured',
    async start() {
      // no process has the pid -1: without /proc, or the right to read there, every figure is NaN
      const { cpuSeconds, residentMiB, peakMiB } = processTree(listenerOn(port) ?? -1);
      return { port, version: await version(port), cpuSeconds, residentMiB, peakMiB, stop: () => Promise.resolve() };
    },
  };
}

function listenerOn(port: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  const sockets = ['tcp', 'tcp6'].flatMap((protocol) => listening(protocol, hexPort));
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .find((pid) => linksOf(`/proc/${pid}/fd`).some((link) => sockets.includes(link)));
}

/** The listening sockets on that port, as links to them look. */
function listening(protocol: string, hexPort: string): readonly string[] {
  const lines = readFileSync(`/proc/net/${protocol}`, 'utf8').split('\n').slice(1);
  const fields = lines.map((line) => line.trim().split(/\s+/));
  return fields
    .filter(([, local, , state]) => local?.endsWith(`:${hexPort}`) === true && state === LISTENING)
    .map((line) => `socket:[${line[9]}]`);
}

/** Nothing for a process that has ended meanwhile, or is another user's. */
function linksOf(directory: string): readonly string[] {
  try {
    return readdirSync(directory).map((entry) => readlinkSync(`${directory}/${entry}`));
  } catch {
    return [];
  }
}
