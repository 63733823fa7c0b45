/** What an order instructs in a settlement period: by what was agreed at each time of it. */
import { agreedParts } from '@flexder/protocol/flexibility/revisions.ts';
import { type Big, decimal, sum, VOLUME_PLACES, ZERO } from './decimal.ts';
import type { SettledOrder } from './order.ts';
import type { CoveredPeriod } from './periods.ts';

export interface Instructed {
  readonly mwh: Big;
  /** Mean of what was agreed in the period, weighted by energy. */
  readonly priceGbpPerKwh: Big;
}

const HOUR_MS = 3_600_000;

export function instructedIn(order: SettledOrder, period: CoveredPeriod): Instructed {
  const price = decimal(order.priceGbpPerKwh);
  if (!order.revisions) {
    const mwh = decimal(order.committedKw).times(period.coveredHours).div(1000).round(VOLUME_PLACES);
    return { mwh, priceGbpPerKwh: price };
  }
  const priceOf = new Map(order.revisions.map((revision) => [revision.revision, decimal(revision.priceGbpPerKwh)]));
  const parts = agreedParts(order.revisions, period).map(({ startMs, endMs, kw, revision }) => ({
    kwh: decimal(kw)
      .times(endMs - startMs)
      .div(HOUR_MS),
    price: priceOf.get(revision) ?? ZERO,
  }));
  const kwh = sum(parts.map((part) => part.kwh));
  const value = sum(parts.map((part) => part.kwh.times(part.price)));
  return { mwh: kwh.div(1000).round(VOLUME_PLACES), priceGbpPerKwh: kwh.gt(0) ? value.div(kwh) : price };
}
