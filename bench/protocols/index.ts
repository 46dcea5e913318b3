/** The protocols by the names that systems call them by. */
import type { Protocol } from '../lib/protocol.ts';
import { echo } from './echo.ts';
import { holdfast, holdfastObjects } from './holdfast.ts';
import { mqtt } from './mqtt.ts';
import { nats } from './nats.ts';
import { socketIo } from './socket-io.ts';
import { stomp, stompClassic } from './stomp.ts';

const protocols: Readonly<Record<string, Protocol>> = {
  echo,
  holdfast,
  'holdfast-objects': holdfastObjects,
  mqtt,
  nats,
  'socket-io': socketIo,
  stomp,
  'stomp-classic': stompClassic,
};

/** @throws for a name that is none. */
export function protocolNamed(name: string): Protocol {
  const protocol = protocols[name];
  if (protocol === undefined) throw new Error(`there is no protocol ${name}; there are ${Object.keys(protocols).join(', ')}`);
  return protocol;
}
