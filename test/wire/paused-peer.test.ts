/** Who is not read can't be heard: a peer that was held back is not taken for dead when it is read again. */
import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import type { BrokerWebSocket } from '../../src/server/broker-web-socket.ts';
import { Connection, PAUSE } from '../../src/server/connection.ts';
import { OutboundBudget } from '../../src/server/outbox.ts';

class SilentPeer extends EventEmitter {
  readonly OPEN = 1;
  readonly readyState = 1;
  pings = 0;
  pongs = 0;

  ping(): void {
    this.pings++;
  }

  pong(): void {
    this.pongs++;
  }

  pause(): void {}

  resume(): void {}
}

function connected(): { connection: Connection; peer: SilentPeer } {
  const peer = new SilentPeer();
  const connection = new Connection({
    socket: new PassThrough(),
    webSocket: peer as unknown as BrokerWebSocket,
    outboundBytesMax: 1000,
    budget: new OutboundBudget(1000),
    afterTurn: queueMicrotask,
  });
  return { connection, peer };
}

it('has from one ping to the next for a sign of life', () => {
  const { connection, peer } = connected();
  expect(connection.isAlive()).toBe(true);
  expect(peer.pings).toBe(1);
  expect(connection.isAlive()).toBe(false);
});

it('is alive and not asked while it is not read, and from then on has from one ping to the next again', () => {
  const { connection, peer } = connected();
  connection.pause(PAUSE.saturated);
  for (let i = 0; i < 3; i++) expect(connection.isAlive()).toBe(true);
  connection.unpause(PAUSE.saturated);
  expect(connection.isAlive()).toBe(true);
  expect([peer.pings, peer.pongs]).toEqual([1, 3]);
  expect(connection.isAlive()).toBe(false);
});

it('is alive when it was not read for only a part of the time', () => {
  const { connection } = connected();
  expect(connection.isAlive()).toBe(true);
  connection.pause(PAUSE.saturated);
  connection.pause(PAUSE.order);
  connection.unpause(PAUSE.saturated);
  connection.unpause(PAUSE.order);
  expect(connection.isAlive()).toBe(true);
  expect(connection.isAlive()).toBe(false);
});
