/** Which connections a process on this machine still has, as the kernel tells it: whatever the process itself may believe. */
import { readFileSync } from 'node:fs';

/** Of proc_net_tcp(5): the process has not closed its side, and the peer may have. */
const OPEN_STATES: ReadonlySet<string> = new Set(['01', '08']);

/** The ports at the other ends of all connections over IPv4 that came to this port and that its process has not closed. */
export function peersOf(port: number): ReadonlySet<number> {
  const lines = readFileSync('/proc/net/tcp', 'latin1').split('\n').slice(1);
  const peers = new Set<number>();
  for (const line of lines) {
    const [, local = '', remote = '', state = '', , , , , , inode] = line.trim().split(/ +/);
    if (portOf(local) === port && OPEN_STATES.has(state) && inode !== '0') peers.add(portOf(remote));
  }
  return peers;
}

function portOf(address: string): number {
  return Number.parseInt(address.split(':')[1] ?? '', 16);
}
