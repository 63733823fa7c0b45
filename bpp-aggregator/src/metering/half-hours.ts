import type { MeterRow } from '@flexder/protocol/flexibility/model.ts';
import { HALF_HOUR_MS, periodStart } from '@flexder/protocol/flexibility/settlement-period.ts';
import { keepSeries } from '@flexder/runtime/engines/database/time-series.ts';
import { type Kysely, sql } from 'kysely';
import type { Rooms } from '../context.ts';
import { chunked } from '../dispatch/plan.ts';
import { LIMITS } from '../limits.ts';
import type { AggregatorTables } from '../tables.ts';
import { energyBetween, type Quality } from './energy.ts';
import { registersAt } from './registers.ts';
import { DER_READINGS, HALF_HOUR_ENERGIES } from './series.ts';

/** A half-hour meter value as a meter document has it; import positive, export negative, kWh. */
export type MeterHistoryRow = Pick<
  MeterRow,
  'import_msid' | 'settlement_date' | 'settlement_period' | 'metered_kwh' | 'quality'
>;

interface Row {
  readonly derNo: number;
  readonly startMs: number;
  readonly kwh: number;
  readonly quality: Quality;
}

/** A better quality replaces a worse one; GOOD stays. */
export async function writeHalfHours(db: Kysely<AggregatorTables>, rows: readonly Row[]): Promise<void> {
  for (const batch of chunked(rows, LIMITS.halfHoursPerInsert)) {
    await sql`
      insert into half_hour (der_no, start_at, kwh, quality)
      select * from unnest(${batch.map((row) => row.derNo)}::int[],
        ${batch.map((row) => new Date(row.startMs))}::timestamptz[],
        ${batch.map((row) => row.kwh)}::float8[], ${batch.map((row) => row.quality)}::text[])
      on conflict (der_no, start_at) do update set kwh = excluded.kwh, quality = excluded.quality
        where half_hour.quality <> 'GOOD'`.execute(db);
  }
}

/** Computes and stores the energies of half hours from the registers, where they are known. */
export async function rollUp(rooms: Rooms, derNos: readonly number[], startsMs: readonly number[]): Promise<void> {
  const instants = [...new Set(startsMs.flatMap((startMs) => [startMs, startMs + HALF_HOUR_MS]))];
  const registerOf = await registersAt(rooms.database, derNos, instants);
  const rows = derNos.flatMap((derNo) =>
    startsMs.map((startMs): Row => {
      const energy = energyBetween(registerOf(derNo, startMs), registerOf(derNo, startMs + HALF_HOUR_MS));
      return { derNo, startMs, ...energy };
    }),
  );
  await writeHalfHours(
    rooms.database,
    rows.filter((row) => row.quality !== 'MISSING'),
  );
}

/** Rolls every device's readings up after each half hour, and drops what is older than its use. */
export class HalfHours {
  readonly #rooms: () => Rooms;
  #cancel = () => {};
  #closed = false;

  constructor(rooms: () => Rooms) {
    this.#rooms = rooms;
  }

  /** Until `close`; may be started again. */
  start(): void {
    this.#closed = false;
    const { context, config } = this.#rooms();
    const graceMs = config.meterGraceSeconds * 1000;
    const boundaryMs = (Math.floor((context.grid.nowMs() - graceMs) / HALF_HOUR_MS) + 1) * HALF_HOUR_MS;
    this.#cancel();
    this.#cancel = context.grid.at(boundaryMs + graceMs, 'half hours', () =>
      context.activity.track('half hours', async () => {
        try {
          await this.#roll(boundaryMs - HALF_HOUR_MS);
        } catch (error) {
          context.log.error(
            { error: String(error) },
            'half-hour energies could not be stored; the next orders are metered late',
          );
        }
        if (!this.#closed) this.start();
      }),
    );
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
  }

  /** Rolls up the half hour that ended last: who led before may have died in the middle of it. */
  async takeOver(): Promise<void> {
    const { context, config } = this.#rooms();
    const endMs = context.grid.nowMs() - config.meterGraceSeconds * 1000;
    await this.#roll((Math.floor(endMs / HALF_HOUR_MS) - 1) * HALF_HOUR_MS);
  }

  async #roll(startMs: number): Promise<void> {
    const rooms = this.#rooms();
    await rollUp(
      rooms,
      rooms.fleet.all().map((der) => der.derNo),
      [startMs],
    );
    const nowMs = rooms.context.grid.nowMs();
    for (const series of [DER_READINGS, HALF_HOUR_ENERGIES]) await keepSeries(rooms.database, series, nowMs);
  }
}

/** Half-hour history of meters of the portfolio, e.g. from a meter operator; throws for rows of any other meter. */
export async function importHistory(rooms: Rooms, readings: readonly MeterHistoryRow[]): Promise<void> {
  const derNoOf = new Map(rooms.fleet.all().map((der) => [der.importMsid, der.derNo]));
  const rows = readings.map((reading): Row => {
    const derNo = derNoOf.get(reading.import_msid);
    if (derNo === undefined) throw new RangeError(`no device of the portfolio is behind meter ${reading.import_msid}`);
    if (!Number.isFinite(reading.metered_kwh)) throw new RangeError(`meter ${reading.import_msid}: not an energy`);
    const startMs = periodStart(reading.settlement_date, reading.settlement_period);
    return { derNo, startMs, kwh: reading.metered_kwh, quality: reading.quality };
  });
  await writeHalfHours(
    rooms.database,
    rows.filter((row) => row.quality !== 'MISSING'),
  );
}
