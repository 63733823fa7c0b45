/** What forecasters learnt, kept in the database: one row a feeder, replaced whenever it is written. */
import { type Kysely, sql } from 'kysely';
import type { BapTables } from '../../tables.ts';
import { MODEL_VERSION } from '../forecast/load-model.ts';
import { HALF_HOUR_MS, type Reading } from '../telemetry/series.ts';

export type ForecastTables = Pick<BapTables, 'feeder_reading' | 'forecast_state'>;

export interface KeptState {
  readonly feederId: string;
  readonly version: string;
  readonly state: Uint8Array;
}

/** Of one forecaster, to be written. */
export interface TakenState {
  readonly feederId: string;
  readonly state: Uint8Array;
  /** Grid time of the latest sample in it. */
  readonly atMs: number;
  /** Until when the readings reach that it was fitted on; null before the first fit. */
  readonly fittedAtMs: number | null;
}

export async function readStates(db: Kysely<ForecastTables>, feederIds: readonly string[]): Promise<KeptState[]> {
  if (feederIds.length === 0) return [];
  const rows = await db
    .selectFrom('forecast_state')
    .select(['feeder_id', 'version', 'state'])
    .where('feeder_id', 'in', feederIds)
    .execute();
  return rows.map(({ feeder_id, version, state }) => ({ feederId: feeder_id, version, state }));
}

/** An older state never replaces a newer one: processes of one DSO may hold the same feeder. */
export async function writeStates(db: Kysely<ForecastTables>, taken: readonly TakenState[], wallMs: number) {
  if (taken.length === 0) return;
  await db
    .insertInto('forecast_state')
    .values(
      taken.map(({ feederId, state, atMs, fittedAtMs }) => ({
        feeder_id: feederId,
        version: MODEL_VERSION,
        fitted_at: fittedAtMs === null ? null : new Date(fittedAtMs),
        taken_at: new Date(atMs),
        written_wall_at: new Date(wallMs),
        state: Buffer.from(state),
      })),
    )
    .onConflict((conflict) =>
      conflict
        .column('feeder_id')
        .doUpdateSet({
          version: (row) => row.ref('excluded.version'),
          fitted_at: (row) => row.ref('excluded.fitted_at'),
          taken_at: (row) => row.ref('excluded.taken_at'),
          written_wall_at: (row) => row.ref('excluded.written_wall_at'),
          state: (row) => row.ref('excluded.state'),
        })
        .whereRef('forecast_state.taken_at', '<=', 'excluded.taken_at'),
    )
    .execute();
}

/** Samples of a feeder after `afterMs` and not after `untilMs`, oldest first, at most `most` of them. */
export async function readingsAfter(
  db: Kysely<ForecastTables>,
  feederId: string,
  { afterMs, untilMs, most }: { readonly afterMs: number; readonly untilMs: number; readonly most: number },
): Promise<Reading[]> {
  const rows = await db
    .selectFrom('feeder_reading')
    .select(['read_at', 'power_kw'])
    .where('feeder_id', '=', feederId)
    .where('read_at', '>', new Date(afterMs))
    .where('read_at', '<=', new Date(untilMs))
    .orderBy('read_at')
    .limit(most)
    .execute();
  return rows.map(({ read_at, power_kw }) => ({ atMs: read_at.getTime(), powerKw: power_kw }));
}

/** When feeders were read last, of those that were after `sinceMs`. */
export async function lastReadings(
  db: Kysely<ForecastTables>,
  feederIds: readonly string[],
  sinceMs: number,
): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .selectFrom('feeder_reading')
    .select(({ fn }) => ['feeder_id', fn.max('read_at').as('last_at')])
    .where('feeder_id', 'in', feederIds)
    .where('read_at', '>', new Date(sinceMs))
    .groupBy('feeder_id')
    .execute();
  return new Map(rows.map(({ feeder_id, last_at }) => [feeder_id, new Date(last_at as unknown as Date).getTime()]));
}

/** Means of the complete half hours of a feeder in `[fromMs, untilMs)`, each at its start. */
export async function halfHoursOf(
  db: Kysely<ForecastTables>,
  feederId: string,
  fromMs: number,
  untilMs: number,
): Promise<Reading[]> {
  const lastMs = Math.floor(untilMs / HALF_HOUR_MS) * HALF_HOUR_MS;
  const { rows } = await sql<{ slot: number; power_kw: number }>`
    select floor(extract(epoch from read_at) / ${HALF_HOUR_MS / 1_000})::float8 as slot, avg(power_kw) as power_kw
    from feeder_reading
    where feeder_id = ${feederId} and read_at >= ${new Date(fromMs)} and read_at < ${new Date(lastMs)}
    group by 1 order by 1`.execute(db);
  return rows.map(({ slot, power_kw }) => ({ atMs: slot * HALF_HOUR_MS, powerKw: power_kw }));
}
