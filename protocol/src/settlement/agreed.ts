/** What an order instructs in a settlement period: by what was agreed at each time of it. */
import type { OrderRevision, TimeWindow } from '../flexibility/model.ts';
import { agreedParts } from '../flexibility/revisions.ts';
import { type Big, decimal, sum, VOLUME_PLACES, ZERO } from './decimal.ts';
import type { CoveredPeriod } from './periods.ts';

/** What was agreed from an instant on, at the mean price of its blocks, exact decimal text. */
export interface PricedRevision extends OrderRevision {
  readonly priceGbpPerKwh: string;
}

export interface PaidOrder {
  readonly window: TimeWindow;
  readonly committedKw: number;
  /** Exact decimal text. */
  readonly priceGbpPerKwh: string;
  /** Absent for an order that was never changed. */
  readonly revisions?: readonly PricedRevision[];
}

export interface Instructed {
  readonly mwh: Big;
  /** Mean of what was agreed in the period, weighted by energy. */
  readonly priceGbpPerKwh: Big;
}

const HOUR_MS = 3_600_000;

export function instructedIn(order: PaidOrder, period: CoveredPeriod): Instructed {
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
