/** A Mosquitto of one test as the broker of a sandbox network: it is told the accounts as they are granted. */
import { startMosquitto } from '@flexder/runtime/testing/mosquitto.ts';
import type { OutsideBroker } from '@flexder/sandbox/network/broker.ts';

export { needsMosquitto } from '@flexder/runtime/testing/mosquitto.ts';

export async function openMosquitto(version: 4 | 5): Promise<OutsideBroker & { stop(): Promise<void> }> {
  const { url, admit, stop } = await startMosquitto({ accounts: [] });
  return { url, admit, stop, mqtt: { version, profile: 'strict' } };
}
