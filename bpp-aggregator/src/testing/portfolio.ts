/** The devices of the aggregator under test: chargers, so many on each feeder. */
import { type DerId, feederId, subscriberId } from '@flexder/protocol/beckn/identifiers.ts';

export const AGGREGATOR = subscriberId('agg-1');
export const START_MS = Date.UTC(2026, 0, 15, 12);

export function derIdOf(index: number): DerId {
  return `ev-${String(index).padStart(4, '0')}` as DerId;
}

export function feederOf(index: number) {
  return feederId(`LPN-${String(index).padStart(3, '0')}`);
}

/** Device `index` is on feeder `index / perFeeder`. */
export function portfolioOf(perFeeder: number, feeders = 1) {
  return Array.from({ length: perFeeder * feeders }, (_, index) => ({
    derId: derIdOf(index),
    type: 'ev-charger' as const,
    feederId: feederOf(Math.floor(index / perFeeder)),
    ratedKw: 7.36,
    importMsid: String(1_000_000_000_000 + index),
    exportMsid: null,
    consent: { fromMs: START_MS - 86_400_000, untilMs: START_MS + 86_400_000 },
    essential: false,
  }));
}
