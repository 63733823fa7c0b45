/** National carbon intensity, gCO2/kWh. */
import { HALF_HOUR_MS } from '@flexder/protocol/flexibility/settlement-period.ts';
import { z } from 'zod';
import { CARBON_LICENCE, type Dataset, dayParts, fetched, latestOf } from './dataset.ts';
import { figure, instant, maybeText } from './fields.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const intensityRow = z
  .object({
    from: instant,
    to: instant,
    intensity: z.object({ forecast: figure, actual: figure, index: maybeText }),
  })
  .transform(({ from, to, intensity }) => ({ from, to, ...intensity }));
export type IntensityRow = z.output<typeof intensityRow>;

export const nationalCarbon: Dataset<IntensityRow> = {
  source: 'carbon',
  licence: CARBON_LICENCE,
  id: 'carbon-intensity-national',
  title: 'National carbon intensity, outturn and forecast',
  row: intensityRow,
  periodMs: 15 * MINUTE_MS,
  staleAfterMs: HOUR_MS,
  observedStaleAfterMs: 3 * HOUR_MS,
  latest: async ({ carbon }, nowMs) =>
    fetched(intensityRow, await carbon.intensity(nowMs - 24 * HOUR_MS, nowMs + 48 * HOUR_MS), nationalCarbon.id),
  observedAtMs: (rows, retrievedAtMs) => {
    const actual = rows.filter((row) => row.actual !== null).map((row) => row.from);
    return actual.length === 0 ? retrievedAtMs : latestOf(actual, retrievedAtMs - HALF_HOUR_MS) + HALF_HOUR_MS;
  },
  history: {
    columns: ['from', 'to', 'forecast', 'actual', 'index'],
    // The API spans fourteen days at most.
    parts: (range) => dayParts(range, 14),
    read: async ({ carbon }, part) => {
      const all = fetched(intensityRow, await carbon.intensity(part.fromMs, part.toMs), nationalCarbon.id);
      const within = ({ from }: IntensityRow) => Date.parse(from) >= part.fromMs && Date.parse(from) < part.toMs;
      return { ...all, rows: all.rows.filter(within) };
    },
  },
};
