import type { FeederId, SubscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import type { LeftOutReason } from '@flexder/protocol/flexibility/left-out.ts';
import type { DeviceType, FlexOffer, TimeWindow } from '@flexder/protocol/flexibility/model.ts';
import { LIMITS } from '../limits.ts';
import { floorToStep, roundKw } from '../orders/quantity.ts';
import { type FleetDer, reliabilityOf } from '../portfolio/der.ts';
import { DEVICE_TYPES, fulfillmentIdOf, itemIdOf } from './item-id.ts';

/** Operational baseline: the mean of the five minutes before dispatch. The settlement baseline is the DSO's. */
export const BASELINE_METHOD = 'mean-5-minutes-before';

export interface CatalogueTerms {
  readonly subscriberId: SubscriberId;
  readonly providerId: string;
  readonly priceGbpPerKwh: Readonly<Record<DeviceType, number>>;
  readonly responseSeconds: Readonly<Record<DeviceType, number>>;
  readonly minimumNoticeSeconds: number;
  readonly maxDurationSeconds: number;
  readonly maxEventsPerDay: number;
  readonly minimumKw: number;
  readonly stepKw: number;
}

/** Why nothing of an aggregator can serve a need, whatever its devices are like. */
export interface Obstacle {
  readonly reason: LeftOutReason;
  readonly text: string;
}

/** Whether this aggregator can serve `window` at all: notice and duration. */
export function infeasibility(window: TimeWindow, nowMs: number, terms: CatalogueTerms): Obstacle | undefined {
  if (window.endMs <= window.startMs) return { reason: 'window-over', text: 'the window ends before it starts' };
  if (window.endMs <= nowMs) return { reason: 'window-over', text: 'the window has passed' };
  const noticeMs = window.startMs - nowMs;
  // Who asks for relief at once asks for a window that begins while the message is under way.
  const atOnce = terms.minimumNoticeSeconds === 0 && noticeMs >= -LIMITS.begunWindowMs;
  if (!atOnce && noticeMs < terms.minimumNoticeSeconds * 1000) {
    const notice = Math.round(noticeMs / 1000);
    const given = notice < 0 ? `the window began ${-notice} s ago` : `notice is ${notice} s`;
    const text = `${given}, at least ${terms.minimumNoticeSeconds} s of notice are needed`;
    return { reason: 'minimum-notice', text };
  }
  const durationSeconds = (window.endMs - window.startMs) / 1000;
  if (durationSeconds <= terms.maxDurationSeconds) return undefined;
  const text = `the window lasts ${Math.round(durationSeconds)} s, at most ${terms.maxDurationSeconds} s are offered`;
  return { reason: 'maximum-duration', text };
}

/** One offer per device type with anything to give; `eligible` are devices of `feederId` that may serve `window`. */
export function blocksOf(
  feederId: FeederId,
  eligible: readonly FleetDer[],
  window: TimeWindow,
  completed: Readonly<Record<DeviceType, number>>,
  terms: CatalogueTerms,
): FlexOffer[] {
  return DEVICE_TYPES.flatMap((deviceType) => {
    const ders = eligible.filter((der) => der.type === deviceType);
    const shedKw = ders.reduce((sum, der) => sum + der.live.shedKw, 0);
    const expectedKw = ders.reduce((sum, der) => sum + der.live.shedKw * reliabilityOf(der), 0);
    const availableKw = floorToStep(expectedKw, terms.stepKw);
    if (availableKw <= 0 || availableKw < terms.minimumKw) return [];
    const responseSeconds = terms.responseSeconds[deviceType];
    return [
      {
        bppId: terms.subscriberId,
        providerId: terms.providerId,
        itemId: itemIdOf(feederId, deviceType),
        fulfillmentId: fulfillmentIdOf(feederId),
        feederId,
        direction: 'TURN_DOWN' as const,
        deviceType,
        availableKw,
        minimumKw: terms.minimumKw,
        stepKw: terms.stepKw,
        priceGbpPerKwh: terms.priceGbpPerKwh[deviceType],
        responseSeconds,
        minimumNoticeSeconds: terms.minimumNoticeSeconds,
        maxDurationSeconds: terms.maxDurationSeconds,
        maxEventsPerDay: terms.maxEventsPerDay,
        rampKwPerMinute: roundKw((availableKw * 60) / Math.max(1, responseSeconds)),
        baselineMethod: BASELINE_METHOD,
        baselineKw: roundKw(ders.reduce((sum, der) => sum + Math.max(0, der.live.powerKw), 0)),
        reliability: Math.round((expectedKw / shedKw) * 1000) / 1000,
        eventsCompleted: completed[deviceType],
        availability: window,
      },
    ];
  });
}
