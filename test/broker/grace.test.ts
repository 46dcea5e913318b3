import { describe, expect, it } from 'vitest';
import { BrokerRig } from '../support/broker-rig.ts';

const GRACE_MS = 10_000;

async function vanished() {
  const rig = await BrokerRig.start();
  const owner = await rig.client('owner', { graceMs: GRACE_MS });
  await owner.subscribe({ queue: 'q' });
  await owner.publishNumbers('q', 1, 2);
  const other = await rig.client('other');
  await other.subscribe({ queue: 'q' });
  return { rig, owner, other };
}

describe('what a client with a grace held when it vanished', () => {
  it('is kept for it, while others get what is newer', async () => {
    const { rig, owner, other } = await vanished();
    await owner.end();
    await other.publishNumbers('q', 3, 3);
    expect(other.attempts()).toEqual(['3×1']);
    await rig.advance(GRACE_MS - 100);
    const again = await rig.client('owner', { graceMs: GRACE_MS });
    await again.subscribe({ queue: 'q' });
    expect(again.attempts()).toEqual(['1×2', '2×2']);
    await rig.advance(1000);
    expect(other.take()).toEqual([]);
  });

  it('is anybody’s when the grace is over', async () => {
    const { rig, owner, other } = await vanished();
    await owner.end();
    await rig.advance(GRACE_MS + 10);
    expect(other.attempts()).toEqual(['1×2', '2×2']);
  });

  it('is given to it when it returns before that is written', async () => {
    const { rig, owner, other } = await vanished();
    owner.session.end();
    const again = await rig.client('owner');
    await again.subscribe({ queue: 'q' });
    expect(again.attempts()).toEqual(['1×2', '2×2']);
    expect(other.take()).toEqual([]);
  });

  it('is given to the connection that takes over', async () => {
    const { rig, owner, other } = await vanished();
    const again = await rig.client('owner');
    expect(owner.outlet.over).toBe(true);
    await again.subscribe({ queue: 'q' });
    expect(again.attempts()).toEqual(['1×2', '2×2']);
    expect(other.take()).toEqual([]);
  });

  it('is anybody’s at once after a restart', async () => {
    const { rig, owner } = await vanished();
    await owner.end();
    await rig.restart();
    const other = await rig.client('other');
    await other.subscribe({ queue: 'q' });
    expect(other.attempts()).toEqual(['1×2', '2×2']);
  });

  it('goes to somebody else when its client is back but can not take it', async () => {
    const { rig, owner, other } = await vanished();
    await owner.end();
    const again = await rig.client('owner');
    await again.subscribe({ queue: 'q', prefetch: 1 });
    expect(again.attempts()).toEqual(['1×2']);
    await rig.settle();
    expect(other.attempts()).toEqual(['2×2']);
  });
});
