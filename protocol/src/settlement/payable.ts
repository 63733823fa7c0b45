/**
 * What a DSO pays for one order, by meter and settlement period: pure, decimal. Buyer and seller reckon with this, so that
 * neither has figures that the other cannot have.
 *
 * Sign as in P0282: export positive, import negative; delivered = metered − baseline, so that a reduced import is
 * positive. Turn-down only. Volumes are MWh with 6 places, money has 2, half-up.
 */
import type { MeterDocument, MeterRow } from '../flexibility/model.ts';
import { instructedIn, type PaidOrder } from './agreed.ts';
import { apportion, type Share } from './apportion.ts';
import type { BaselineOf } from './baseline.ts';
import { type Big, decimal, MONEY_PLACES, mwhFromKwh, sum, ZERO } from './decimal.ts';
import { type PerformanceCurve, performanceFactor } from './performance.ts';
import { type CoveredPeriod, coveredPeriods, periodKey } from './periods.ts';

export interface PayableInput {
  readonly order: PaidOrder;
  readonly document: Pick<MeterDocument, 'rows'>;
  readonly baselineOf: BaselineOf;
  readonly curve: PerformanceCurve;
}

export interface Volumes {
  readonly pair: MsidPair;
  readonly unadjusted: Big;
  readonly adjustment: Big;
  readonly baseline: Big;
  readonly metered: Big;
  readonly delivered: Big;
  readonly quality: MeterRow['quality'];
  readonly hasBaseline: boolean;
}

export interface MsidPair {
  readonly importMsid: string;
  readonly exportMsid: string | null;
}

/** One pair of meters in one settlement period. */
export interface Payable {
  readonly period: CoveredPeriod;
  readonly volume: Volumes;
  readonly share: Share;
  /** Of the whole order in that period, 6 places. */
  readonly factor: Big;
  readonly priceGbpPerMwh: Big;
  /** 2 places. */
  readonly paymentGbp: Big;
}

/** By period, then by meter. */
export function payablesOf({ order, document, baselineOf, curve }: PayableInput): Payable[] {
  const pairs = msidPairs(document.rows);
  const metered = new Map(document.rows.map((row) => [`${row.import_msid}/${periodKey(row)}`, row]));
  return coveredPeriods(order.window).flatMap((period) => {
    const volumes = pairs.map((pair) => {
      const row = metered.get(`${pair.importMsid}/${period.date}/${period.period}`);
      return volumesOf(pair, row, baselineOf(pair.importMsid, period.date, period.period));
    });
    const { mwh: instructed, priceGbpPerKwh } = instructedIn(order, period);
    const priceGbpPerMwh = priceGbpPerKwh.times(1000).round(MONEY_PLACES);
    const delivered = volumes.map((volume) => volume.delivered);
    const shares = apportion(delivered, instructed);
    const factor = performanceFactor(
      curve,
      sum(shares.map((share) => share.deliveredCapped)),
      sum(shares.map((share) => share.instructed)),
    );
    return volumes.map((volume, index) => {
      const share = shares[index] as Share;
      const paymentGbp = share.deliveredCapped.times(priceGbpPerMwh).times(factor).round(MONEY_PLACES);
      return { period, volume, share, factor, priceGbpPerMwh, paymentGbp };
    });
  });
}

/** Mean price of quoted blocks, weighted by their kW; exact decimal text. */
export function meanPrice(items: readonly { readonly kw: number; readonly priceGbpPerKwh: number }[]): string {
  const priced = items.filter((item) => item.kw > 0);
  const kw = sum(priced.map((item) => decimal(item.kw)));
  const cost = sum(priced.map((item) => decimal(item.kw).times(item.priceGbpPerKwh)));
  return kw.eq(0) ? '0' : cost.div(kw).toFixed();
}

/** The pairs of MSIDs in a document, sorted; throws when a period of one is there twice or a pair changes. */
function msidPairs(rows: readonly MeterRow[]): MsidPair[] {
  const pairs = new Map<string, MsidPair>();
  const seen = new Set<string>();
  for (const row of rows) {
    const key = `${row.import_msid}/${periodKey(row)}`;
    if (seen.has(key)) throw new SettlementDataError(`the meter document has ${key} twice`);
    seen.add(key);
    const known = pairs.get(row.import_msid);
    if (known && known.exportMsid !== row.export_msid) {
      throw new SettlementDataError(`the meter document pairs ${row.import_msid} with more than one export MSID`);
    }
    pairs.set(row.import_msid, { importMsid: row.import_msid, exportMsid: row.export_msid });
  }
  return [...pairs.values()].sort((a, b) => (a.importMsid < b.importMsid ? -1 : 1));
}

/** What the document says cannot be settled; it will not get better by computing again. */
export class SettlementDataError extends Error {
  override name = 'SettlementDataError';
}

/** Without a reading or a baseline nothing is proved: the metered volume stands in for the other, delivered is 0. */
function volumesOf(pair: MsidPair, row: MeterRow | undefined, baseline: ReturnType<BaselineOf>): Volumes {
  const read = row && row.quality !== 'MISSING' ? mwhFromKwh(row.metered_kwh).times(-1) : undefined;
  const unadjusted = baseline ? mwhFromKwh(baseline.unadjustedKwh).times(-1) : (read ?? ZERO);
  const adjustment = baseline ? mwhFromKwh(baseline.adjustmentKwh).times(-1) : ZERO;
  const total = unadjusted.plus(adjustment);
  const metered = read ?? total;
  return {
    pair,
    unadjusted,
    adjustment,
    baseline: total,
    metered,
    delivered: metered.minus(total),
    quality: row && read && baseline ? row.quality : 'MISSING',
    hasBaseline: baseline !== undefined,
  };
}
