/** Data sets of NESO; members by the names of the portal. Powers are MW of Great Britain. */
import { HALF_HOUR_MS, periodStart } from '@flexder/protocol/flexibility/settlement-period.ts';
import { z } from 'zod';
import type { NesoResource } from '../sources/neso.ts';
import type { Sources } from '../sources/open.ts';
import { type Dataset, day, dayParts, fetched, NESO_LICENCE, presentPart } from './dataset.ts';
import { date, figure, maybeText, needed, period } from './fields.ts';

const HOUR_MS = 3_600_000;
const own = { source: 'neso', licence: NESO_LICENCE } as const;

/** Start of a settlement period in UTC; undefined for a period that its day does not have. */
export function startOf(row: { SETTLEMENT_DATE: string; SETTLEMENT_PERIOD: number }): number | undefined {
  try {
    return periodStart(row.SETTLEMENT_DATE, row.SETTLEMENT_PERIOD);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

const demandRow = z.object({
  SETTLEMENT_DATE: date,
  SETTLEMENT_PERIOD: period,
  /** `A` outturn, `F` forecast; a forecast row may carry a demand of 0, which is none. */
  FORECAST_ACTUAL_INDICATOR: maybeText,
  ND: figure,
  TSD: figure,
  ENGLAND_WALES_DEMAND: figure,
  EMBEDDED_WIND_GENERATION: figure,
  EMBEDDED_WIND_CAPACITY: figure,
  EMBEDDED_SOLAR_GENERATION: figure,
  EMBEDDED_SOLAR_CAPACITY: figure,
});
export type DemandRow = z.output<typeof demandRow>;

const DEMAND: NesoResource = { slug: 'daily-demand-update', name: 'Demand Data Update' };

export const demandUpdate: Dataset<DemandRow> = {
  ...own,
  id: 'neso-demand-data-update',
  title: 'National demand, outturn, with embedded wind and solar generation',
  row: demandRow,
  periodMs: HOUR_MS,
  staleAfterMs: 6 * HOUR_MS,
  // Published once a day.
  observedStaleAfterMs: 36 * HOUR_MS,
  latest: async ({ neso }) =>
    fetched(
      demandRow,
      await neso.search(DEMAND, { sort: 'SETTLEMENT_DATE desc, SETTLEMENT_PERIOD desc' }, 1_000),
      demandUpdate.id,
    ),
  observedAtMs: (rows, retrievedAtMs) => {
    const actual = rows.filter((row) => row.FORECAST_ACTUAL_INDICATOR === 'A').map(startOf);
    const lastMs = Math.max(...actual.map((ms) => (ms ?? Number.NEGATIVE_INFINITY) + HALF_HOUR_MS));
    return Number.isFinite(lastMs) ? lastMs : retrievedAtMs;
  },
  history: {
    columns: Object.keys(demandRow.shape),
    parts: (range) => dayParts(range, 31),
    read: async ({ neso }, part) => {
      const rows = await neso.sql(
        DEMAND,
        (table) =>
          `SELECT * FROM ${table} WHERE "SETTLEMENT_DATE" >= '${day(part.fromMs)}' AND "SETTLEMENT_DATE" < '${day(part.toMs)}' ORDER BY "SETTLEMENT_DATE", "SETTLEMENT_PERIOD" LIMIT 5000`,
      );
      return fetched(demandRow, rows, demandUpdate.id);
    },
  },
};

const embeddedRow = z.object({
  /** `TIME_GMT` is the end of the half hour, so the period is what is read. */
  DATE_GMT: maybeText,
  TIME_GMT: maybeText,
  SETTLEMENT_DATE: date,
  SETTLEMENT_PERIOD: period,
  EMBEDDED_WIND_FORECAST: figure,
  EMBEDDED_WIND_CAPACITY: figure,
  EMBEDDED_SOLAR_FORECAST: figure,
  EMBEDDED_SOLAR_CAPACITY: figure,
});
export type EmbeddedRow = z.output<typeof embeddedRow>;

const EMBEDDED: NesoResource = { slug: 'embedded-wind-and-solar-forecasts', name: 'Embedded Solar and Wind Forecast' };

export const embeddedForecast: Dataset<EmbeddedRow> = {
  ...own,
  id: 'neso-embedded-wind-and-solar-forecast',
  title: 'Forecast of embedded wind and solar generation, fourteen days',
  row: embeddedRow,
  periodMs: HOUR_MS,
  staleAfterMs: 6 * HOUR_MS,
  latest: (sources) => present(sources, EMBEDDED, embeddedRow, embeddedForecast.id),
  // The rows carry no issue time.
  observedAtMs: (_rows, retrievedAtMs) => retrievedAtMs,
  history: {
    columns: Object.keys(embeddedRow.shape),
    parts: presentPart,
    read: (sources) => present(sources, EMBEDDED, embeddedRow, embeddedForecast.id),
  },
};

/** Cardinal points (peaks, troughs, fixed times), not half hours. */
const aheadRow = z.object({
  TARGETDATE: date,
  CARDINALPOINT: maybeText,
  CP_TYPE: maybeText,
  CP_ST_TIME: z.union([z.string(), z.number()]).nullish(),
  CP_END_TIME: z.union([z.string(), z.number()]).nullish(),
  FORECASTDEMAND: needed,
});
export type DemandAheadRow = z.output<typeof aheadRow>;

const AHEAD: NesoResource = { slug: '2-day-ahead-demand-forecast', name: '2 Day Ahead Demand Forecast' };

export const demandAhead: Dataset<DemandAheadRow> = {
  ...own,
  id: 'neso-2-day-ahead-demand-forecast',
  title: 'National demand two days ahead at its cardinal points',
  row: aheadRow,
  periodMs: 6 * HOUR_MS,
  staleAfterMs: 36 * HOUR_MS,
  latest: (sources) => present(sources, AHEAD, aheadRow, demandAhead.id),
  observedAtMs: (_rows, retrievedAtMs) => retrievedAtMs,
  history: {
    columns: Object.keys(aheadRow.shape),
    parts: presentPart,
    read: (sources) => present(sources, AHEAD, aheadRow, demandAhead.id),
  },
};

/** The resource as a whole: what NESO holds now. */
async function present<Row>({ neso }: Sources, resource: NesoResource, row: z.ZodType<Row>, id: string) {
  return fetched(row, await neso.search(resource, {}, 5_000), id);
}
