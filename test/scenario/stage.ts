/** Sets up what a scene needs, and takes it down when its test is over, however it ends. */
import { onTestFinished } from 'vitest';
import type { BrokerProcess } from '../support/broker-process.ts';
import { WireClient, type WireOptions } from '../support/wire-client.ts';

export async function aClient(broker: BrokerProcess, client?: string, options: WireOptions = {}): Promise<WireClient> {
  const connected = await WireClient.connect(broker.url, { ...options, ...(client === undefined ? {} : { client }) });
  onTestFinished(() => connected.terminate());
  return connected;
}

/** Killed with -9, and started again on the same data and the same port. */
export async function crashAndRestart(broker: BrokerProcess): Promise<void> {
  await broker.kill9();
  await broker.start();
}
