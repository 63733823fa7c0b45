import type { EventId, FeederId, SubscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import type { FlexNeed, FlexOffer } from '@flexder/protocol/flexibility/model.ts';

export const START_MS = Date.parse('2026-01-15T17:00:00Z');
export const HOUR_MS = 3_600_000;

export function need(changes: Partial<FlexNeed> = {}): FlexNeed {
  return {
    eventId: 'event-1' as EventId,
    feederId: 'feeder-1' as FeederId,
    direction: 'TURN_DOWN',
    requestedKw: 100,
    window: { startMs: START_MS, endMs: START_MS + HOUR_MS },
    maxPriceGbpPerKwh: 1,
    minReliability: 0.5,
    maxResponseSeconds: 300,
    interventionClass: 'INCENTIVE',
    ...changes,
  };
}

export function offer(bppId: string, changes: Partial<FlexOffer> = {}): FlexOffer {
  return {
    bppId: bppId as SubscriberId,
    providerId: `provider-of-${bppId}`,
    itemId: 'battery.feeder-1',
    fulfillmentId: 'window.feeder-1',
    feederId: 'feeder-1' as FeederId,
    direction: 'TURN_DOWN',
    deviceType: 'battery',
    availableKw: 80,
    minimumKw: 1,
    stepKw: 0.1,
    priceGbpPerKwh: 0.4,
    responseSeconds: 5,
    minimumNoticeSeconds: 0,
    maxDurationSeconds: 14_400,
    maxEventsPerDay: 4,
    rampKwPerMinute: 100,
    baselineMethod: 'mean-5-minutes-before',
    baselineKw: 40,
    reliability: 1,
    eventsCompleted: 12,
    availability: { startMs: START_MS, endMs: START_MS + 2 * HOUR_MS },
    ...changes,
  };
}
