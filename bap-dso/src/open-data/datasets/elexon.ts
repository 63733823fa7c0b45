/** Data sets of Elexon Insights: prices in GBP/MWh. */
import { dateAfter, HALF_HOUR_MS, settlementPeriodOf } from '@flexder/protocol/flexibility/settlement-period.ts';
import { z } from 'zod';
import { type Dataset, day, dayParts, ELEXON_LICENCE, fetched, latestOf } from './dataset.ts';
import { date, figure, instant, maybeText, needed, period, text } from './fields.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const own = { source: 'elexon', licence: ELEXON_LICENCE } as const;

const systemPriceRow = z.object({
  settlementDate: date,
  settlementPeriod: period,
  startTime: instant,
  createdDateTime: maybeText,
  systemSellPrice: needed,
  systemBuyPrice: needed,
  priceDerivationCode: maybeText,
  netImbalanceVolume: figure,
});
export type SystemPriceRow = z.output<typeof systemPriceRow>;

export const systemPrices: Dataset<SystemPriceRow> = {
  ...own,
  id: 'elexon-system-prices',
  title: 'System prices of the balancing mechanism',
  row: systemPriceRow,
  periodMs: 10 * MINUTE_MS,
  staleAfterMs: 45 * MINUTE_MS,
  observedStaleAfterMs: 2 * HOUR_MS,
  latest: async ({ elexon }, nowMs) => {
    const { date: today, period: current } = settlementPeriodOf(nowMs);
    // A price is published some minutes after its period, so the first of a day are yesterday's business.
    const settlementDate = current <= 3 ? dateAfter(today, -1) : today;
    return fetched(systemPriceRow, await elexon.systemPrices(settlementDate), systemPrices.id);
  },
  observedAtMs: (rows, retrievedAtMs) => endOfLatest(rows, retrievedAtMs),
  history: {
    columns: Object.keys(systemPriceRow.shape),
    parts: (range) => dayParts(range, 1),
    read: async ({ elexon }, part) =>
      fetched(systemPriceRow, await elexon.systemPrices(day(part.fromMs)), systemPrices.id),
  },
};

const marketIndexRow = z.object({
  startTime: instant,
  settlementDate: date,
  settlementPeriod: period,
  dataProvider: text,
  price: needed,
  /** MWh; a provider without trades says price 0 and volume 0. */
  volume: needed,
});
export type MarketIndexRow = z.output<typeof marketIndexRow>;

export const marketIndex: Dataset<MarketIndexRow> = {
  ...own,
  id: 'elexon-market-index',
  title: 'Market index price',
  row: marketIndexRow,
  periodMs: 10 * MINUTE_MS,
  staleAfterMs: 45 * MINUTE_MS,
  observedStaleAfterMs: 3 * HOUR_MS,
  latest: async ({ elexon }, nowMs) =>
    fetched(marketIndexRow, await elexon.marketIndex(nowMs - 6 * HOUR_MS, nowMs), marketIndex.id),
  observedAtMs: (rows, retrievedAtMs) => endOfLatest(rows, retrievedAtMs),
  history: {
    columns: Object.keys(marketIndexRow.shape),
    // The API spans seven days at most.
    parts: (range) => dayParts(range, 7),
    read: async ({ elexon }, part) =>
      fetched(marketIndexRow, await elexon.marketIndex(part.fromMs, part.toMs), marketIndex.id),
  },
};

function endOfLatest(rows: readonly { readonly startTime: string }[], retrievedAtMs: number): number {
  if (rows.length === 0) return retrievedAtMs;
  return (
    latestOf(
      rows.map((row) => row.startTime),
      retrievedAtMs - HALF_HOUR_MS,
    ) + HALF_HOUR_MS
  );
}
