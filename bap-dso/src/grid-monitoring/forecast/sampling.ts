/** How often a series was read, and its place on the raster of the hour. */
import type { SeriesReading } from './evaluate.ts';

const MINUTE_MS = 60_000;
/** Whole parts of an hour that a meter or a historian reads at. */
const SAMPLINGS_MS = [1, 2, 3, 5, 6, 10, 15, 20, 30, 60].map((minutes) => minutes * MINUTE_MS);
/** A clock that is off by less than this share of the sampling still means its slot. */
const TOLERANCE = 0.1;

/** The usual distance of neighbouring times; undefined when it is none of the samplings. */
export function samplingOf(readings: readonly SeriesReading[]): number | undefined {
  const counts = new Map<number, number>();
  for (let i = 1; i < readings.length; i++) {
    const apart = readings[i]!.atMs - readings[i - 1]!.atMs;
    const sampling = SAMPLINGS_MS.find((stepMs) => Math.abs(apart - stepMs) <= TOLERANCE * stepMs);
    if (sampling !== undefined) counts.set(sampling, (counts.get(sampling) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}

/** Readings, ascending in time, at the slots they mean. `refuse` throws; what was moved is said in `notes`. */
export function onRaster(
  readings: readonly SeriesReading[],
  notes: string[],
  refuse: (message: string) => never,
): { readonly stepMs: number; readonly readings: readonly SeriesReading[] } {
  const stepMs = samplingOf(readings);
  if (stepMs === undefined) {
    refuse(
      `cannot tell how often it was read: ${readings.length} complete readings, expected one every 1 to 60 minutes, evenly`,
    );
  }
  const found: SeriesReading[] = [];
  let moved = 0;
  let off = 0;
  for (const { atMs, load } of readings) {
    const slotMs = Math.round(atMs / stepMs) * stepMs;
    if (Math.abs(atMs - slotMs) > TOLERANCE * stepMs || found.at(-1)?.atMs === slotMs) {
      off++;
      continue;
    }
    if (atMs !== slotMs) moved++;
    found.push({ atMs: slotMs, load });
  }
  if (off > readings.length / 10) {
    const minutes = stepMs / MINUTE_MS;
    refuse(`${off} of ${readings.length} readings do not lie on the usual raster of ${minutes} minutes`);
  }
  if (off > 0) notes.push(`${off} readings lie between the slots of ${stepMs / MINUTE_MS} minutes and are left out`);
  if (moved > 0) notes.push(`${moved} readings were seconds off their slot and count at it`);
  return { stepMs, readings: found };
}
