import type { DeviceType } from '@flexder/protocol/flexibility/model.ts';
import { roundKw } from '../orders/quantity.ts';

export type SetpointType = 'DISPATCH_SETPOINT' | 'IMPORT_CAPACITY_LIMIT' | 'CONTROL_SETPOINT';

/** OpenADR 3 words: a battery is told its net power, a charger its import limit, a heat pump its electrical limit. */
export const SETPOINT_OF: Readonly<Record<DeviceType, SetpointType>> = {
  battery: 'DISPATCH_SETPOINT',
  'ev-charger': 'IMPORT_CAPACITY_LIMIT',
  'heat-pump': 'CONTROL_SETPOINT',
};

/** Net power at the device's meter that sheds `shedKw` from `powerKw`; only a battery may go below zero (export). */
export function targetKw(type: DeviceType, powerKw: number, shedKw: number): number {
  const target = roundKw(powerKw - shedKw);
  return type === 'battery' ? target : Math.max(0, target);
}

/** Devices return in small groups this far apart: finer than any meter of a feeder shows. */
const RELEASE_STEP_S = 10;

/**
 * Seconds each of `count` devices waits before it returns, evenly over `spreadSeconds`: a whole feeder of devices
 * that return in one second would make the peak it was paid to avoid. The order of the devices decides, not chance.
 */
export function releaseDelays(count: number, spreadSeconds: number): number[] {
  const steps = Math.max(1, Math.floor(spreadSeconds / RELEASE_STEP_S));
  const stepOf = (index: number) => Math.floor((index * steps) / Math.max(1, count));
  return Array.from({ length: count }, (_, index) => (spreadSeconds === 0 ? 0 : stepOf(index) * RELEASE_STEP_S));
}

export function chunked<T>(all: readonly T[], size: number): T[][] {
  const chunks: T[][] = [];
  for (let from = 0; from < all.length; from += size) chunks.push(all.slice(from, from + size));
  return chunks;
}
