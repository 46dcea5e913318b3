import { onTestFinished } from 'vitest';
import { BrokerProcess } from './broker-process.ts';

/** A broker that is ready, and that ends with the test. */
export async function startBroker(
  args: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<BrokerProcess> {
  const broker = new BrokerProcess(args, environment);
  onTestFinished(() => broker.dispose());
  await broker.start();
  return broker;
}
