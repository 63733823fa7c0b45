/** Where places are: both coordinates or none, and none so far off that it belongs to another network. */
import { EXTENT_DEGREES } from './limits.ts';
import type { Position } from './model.ts';
import type { Problems } from './problems.ts';
import { FEEDERS, GSPS, type NetworkRows, SUBSTATIONS } from './tables.ts';

interface Placed {
  readonly line: number;
  readonly latitude: number | null;
  readonly longitude: number | null;
}

/** Null without coordinates. */
export function positionOf({ latitude, longitude }: Pick<Placed, 'latitude' | 'longitude'>): Position | null {
  return latitude === null || longitude === null ? null : { latitude, longitude };
}

export function checkPositions({ gsps, substations, feeders }: NetworkRows, problems: Problems): void {
  const tables = [
    { file: GSPS.file, rows: gsps as readonly Placed[] },
    { file: SUBSTATIONS.file, rows: substations as readonly Placed[] },
    { file: FEEDERS.file, rows: feeders as readonly Placed[] },
  ];
  const placed = tables.flatMap(({ rows }) => rows.flatMap((row) => positionOf(row) ?? []));
  const middle = {
    latitude: median(placed.map((one) => one.latitude)),
    longitude: median(placed.map((one) => one.longitude)),
  };
  for (const { file, rows } of tables) for (const row of rows) checkOne(file, row, middle, problems);
}

function checkOne(file: string, row: Placed, middle: Position, problems: Problems): void {
  const { line, latitude, longitude } = row;
  const place = positionOf(row);
  if (!place) {
    const column = latitude === null ? 'latitude' : 'longitude';
    if (latitude !== longitude)
      problems.add({ file, line, column, text: 'is missing: a place has both coordinates or none' });
    return;
  }
  const column = (['latitude', 'longitude'] as const).find(
    (one) => Math.abs(place[one] - middle[one]) > EXTENT_DEGREES,
  );
  if (!column) return;
  const text = `${place[column]} is more than ${EXTENT_DEGREES} degrees from the middle of the network (${middle[column]}): are latitude and longitude the wrong way round?`;
  problems.add({ file, line, column, text });
}

/** The one in the middle: a place that is wrong does not move it. */
function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
