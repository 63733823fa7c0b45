import { type FeederId, isIdentifier } from '@flexder/protocol/beckn/identifiers.ts';
import type { DeviceType } from '@flexder/protocol/flexibility/model.ts';

export const DEVICE_TYPES: readonly DeviceType[] = ['battery', 'ev-charger', 'heat-pump'];

/** An item is the block of one device type on one feeder. */
export function itemIdOf(feederId: FeederId, type: DeviceType): string {
  return `${type}.${feederId}`;
}

export function parseItemId(itemId: string): { feederId: FeederId; type: DeviceType } | undefined {
  const type = DEVICE_TYPES.find((one) => itemId.startsWith(`${one}.`));
  if (type === undefined) return undefined;
  const feederId = itemId.slice(type.length + 1);
  return isIdentifier(feederId) ? { feederId: feederId as FeederId, type } : undefined;
}

export function fulfillmentIdOf(feederId: FeederId): string {
  return `window.${feederId}`;
}
