import type { Series } from '@flexder/runtime/engines/database/time-series.ts';
import { LIMITS } from '../limits.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Telemetry of devices: a day of it, in chunks of which some are always whole and old enough to compress. */
export const DER_READINGS: Series = {
  table: 'der_reading',
  time: 'read_at',
  by: 'der_no',
  chunkMs: 2 * HOUR_MS,
  compressAfterMs: 6 * HOUR_MS,
  keptMs: LIMITS.readingsKeptMs,
};

/** Half-hour energies: those of the last days may still be replaced by better ones. */
export const HALF_HOUR_ENERGIES: Series = {
  table: 'half_hour',
  time: 'start_at',
  by: 'der_no',
  chunkMs: 7 * DAY_MS,
  compressAfterMs: 14 * DAY_MS,
  keptMs: LIMITS.halfHoursKeptMs,
};
