import type { Context } from '@flexder/runtime/context.ts';
import { keepSeries, type Series } from '@flexder/runtime/engines/database/time-series.ts';
import { repeatedly } from '@flexder/runtime/repeat.ts';
import type { Kysely } from 'kysely';
import { READINGS_KEPT_MS, READINGS_PRUNED_EVERY_MS } from '../../limits.ts';
import type { BapTables } from '../../tables.ts';

const DAY_MS = 86_400_000;

/** What feeders said, as detections and baselines were judged by it. */
export const FEEDER_READINGS: Series = {
  table: 'feeder_reading',
  time: 'read_at',
  by: 'feeder_id',
  chunkMs: 7 * DAY_MS,
  compressAfterMs: 7 * DAY_MS,
  keptMs: READINGS_KEPT_MS,
};

/** Drops old feeder readings now and then (grid time), until it is closed. */
export function keepReadings(context: Context, database: Kysely<BapTables>): { close(): Promise<void> } {
  return repeatedly(context, {
    label: 'feeder readings',
    everyMs: READINGS_PRUNED_EVERY_MS,
    run: () => keepSeries(database, FEEDER_READINGS, context.grid.nowMs()),
    failed: (error) =>
      context.log.error({ error: String(error) }, 'old feeder readings could not be dropped; will be tried again'),
  });
}
