/** What one device earned with one order: pure, decimal, each figure computed from published ones. */
import type { MeterDocument } from '@flexder/protocol/flexibility/model.ts';
import type { PaidOrder } from '@flexder/protocol/settlement/agreed.ts';
import { BL01_LIKE, baselineFrom } from '@flexder/protocol/settlement/baseline.ts';
import {
  type Big,
  decimal,
  fixed,
  MONEY_PLACES,
  sum,
  VOLUME_PLACES,
  ZERO,
} from '@flexder/protocol/settlement/decimal.ts';
import { type Payable, payablesOf } from '@flexder/protocol/settlement/payable.ts';
import type { PerformanceCurve } from '@flexder/protocol/settlement/performance.ts';
import { coveredPeriods } from '@flexder/protocol/settlement/periods.ts';
import type { Reward } from './document.ts';

export interface SettledOrder extends PaidOrder {
  readonly orderId: string;
  readonly obpId: string;
  readonly document: MeterDocument;
}

/** Whose device a meter was when the order was confirmed. */
export interface Holder {
  readonly derId: string;
  readonly consumerId: string;
  readonly programmeId: string;
  readonly reward: Reward;
}

/** One device and one order, as far as it lies in the month. Volumes MWh with 6 places, money with 2, as decimal text. */
export interface StatementLine {
  readonly consumer_id: string;
  readonly programme_id: string;
  readonly der_id: string;
  readonly order_id: string;
  readonly obp_id: string;
  readonly start_at: string;
  readonly stop_at: string;
  readonly payable_mwh: string;
  /** What the DSO pays for the device. */
  readonly paid_gbp: string;
  /** What of it is the consumer's, by the programme; what the aggregator keeps, or adds. */
  readonly earned_gbp: string;
  readonly kept_gbp: string;
}

/**
 * @param month `YYYY-MM`: London settlement dates
 * @param holderOf by import MSID
 */
export function linesOf(
  order: SettledOrder,
  month: string,
  curve: PerformanceCurve,
  holderOf: (importMsid: string) => Holder,
): StatementLine[] {
  const { document, window } = order;
  const covered = coveredPeriods(window);
  // The history was chosen by us, without the days on which a meter was activated.
  const baselineOf = baselineFrom([...document.history, ...document.rows], covered, () => new Set(), BL01_LIKE);
  const payables = payablesOf({ order, document, baselineOf, curve }).filter(({ period }) =>
    period.date.startsWith(`${month}-`),
  );
  const byMeter = groupedBy(payables, ({ volume }) => volume.pair.importMsid);
  return [...byMeter].map(([msid, rows]) => lineOf(order, holderOf(msid), rows));
}

/** In the order in which each group first appears. */
export function groupedBy<T>(all: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const group = groups.get(keyOf(one));
    if (group) group.push(one);
    else groups.set(keyOf(one), [one]);
  }
  return groups;
}

function lineOf(order: SettledOrder, holder: Holder, rows: readonly Payable[]): StatementLine {
  const payableMwh = sum(rows.map(({ share }) => share.deliveredCapped));
  const paid = sum(rows.map(({ paymentGbp }) => paymentGbp));
  const earned = earnedOf(holder.reward, paid, payableMwh);
  return {
    consumer_id: holder.consumerId,
    programme_id: holder.programmeId,
    der_id: holder.derId,
    order_id: order.orderId,
    obp_id: order.obpId,
    start_at: new Date(order.window.startMs).toISOString(),
    stop_at: new Date(order.window.endMs).toISOString(),
    payable_mwh: fixed(payableMwh, VOLUME_PLACES),
    paid_gbp: fixed(paid, MONEY_PLACES),
    earned_gbp: fixed(earned, MONEY_PLACES),
    kept_gbp: fixed(paid.minus(earned), MONEY_PLACES),
  };
}

/** Rounded once, half-up, so that the two parts add up to what is paid. */
function earnedOf(reward: Reward, paid: Big, payableMwh: Big): Big {
  const earned = reward.kind === 'share' ? paid.times(reward.share) : payableMwh.times(1000).times(reward.gbpPerKwh);
  return earned.round(MONEY_PLACES);
}

export type Money = Pick<StatementLine, 'payable_mwh' | 'paid_gbp' | 'earned_gbp' | 'kept_gbp'>;

export interface Sums extends Money {
  readonly orders: number;
}

export function sumsOf(lines: readonly StatementLine[]): Sums {
  return { orders: new Set(lines.map((line) => line.order_id)).size, ...moneyOf(lines) };
}

export function moneyOf(some: readonly Money[]): Money {
  const total = (column: keyof Money, places: number) =>
    fixed(
      some.reduce((all, one) => all.plus(decimal(one[column])), ZERO),
      places,
    );
  return {
    payable_mwh: total('payable_mwh', VOLUME_PLACES),
    paid_gbp: total('paid_gbp', MONEY_PLACES),
    earned_gbp: total('earned_gbp', MONEY_PLACES),
    kept_gbp: total('kept_gbp', MONEY_PLACES),
  };
}
