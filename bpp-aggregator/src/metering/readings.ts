import type { DeviceTelemetry } from '@flexder/schemas/types.ts';
import { type RawBuilder, sql } from 'kysely';
import type { Rooms } from '../context.ts';
import { LIMITS } from '../limits.ts';
import type { FleetDer } from '../portfolio/der.ts';

interface Row {
  readonly derNo: number;
  readonly telemetry: DeviceTelemetry;
}

const SKIP_STORED = sql`on conflict do nothing`;
/** SQLSTATE of a unique violation. */
const DUPLICATE = '23505';

/** Telemetry on its way into the database, in batches: as many as have come while the last one was written. */
export class Readings {
  readonly #rooms: () => Rooms;
  /** Inserts that still expect readings which are stored already. */
  #wary = 0;
  #queued: Row[] = [];
  #end: (() => void) | undefined;

  constructor(rooms: () => Rooms) {
    this.#rooms = rooms;
  }

  /** A schema-valid reading of this device of ours. Returns why it was not taken, or undefined. */
  receive(telemetry: DeviceTelemetry, der: FleetDer): 'clock' | 'old' | 'beyond-rating' | undefined {
    const { context, fleet } = this.#rooms();
    const atMs = Date.parse(telemetry.ts);
    if (atMs > context.grid.nowMs() + LIMITS.maxReadingLeadMs) return 'clock';
    // A meter may read somewhat above the rating; twice as much is another meter, or a lie.
    if (Math.abs(telemetry.power_kw) > der.ratedKw * 2) return 'beyond-rating';
    const taken = fleet.read(der.derId, {
      atMs,
      powerKw: telemetry.power_kw,
      availableDownKw: telemetry.available_down_kw,
    });
    if (!taken) return 'old';
    if (this.#queued.length >= LIMITS.maxReadingsQueued) {
      this.#queued.shift();
      context.metrics.count('device_message_dropped', { kind: 'telemetry', reason: 'overloaded' });
    }
    this.#queued.push({ derNo: der.derNo, telemetry });
    if (!this.#end) {
      this.#end = context.activity.begin('telemetry');
      setImmediate(() => void this.#drain());
    }
    return undefined;
  }

  async #drain(): Promise<void> {
    const { context } = this.#rooms();
    try {
      while (this.#queued.length > 0) await this.#write(this.#queued.splice(0, LIMITS.readingsPerInsert));
    } catch (error) {
      context.metrics.count('readings_lost');
      context.log.error(
        { error: String(error) },
        'telemetry could not be stored; energies come from the next registers',
      );
    } finally {
      this.#end?.();
      this.#end = undefined;
    }
  }

  /** Skipping what is stored already costs half as much again, and hardly ever is there any: so it is not expected. */
  async #write(rows: readonly Row[]): Promise<void> {
    if (this.#wary > 0) {
      this.#wary--;
      return this.#insert(rows, SKIP_STORED);
    }
    try {
      await this.#insert(rows, sql``);
    } catch (error) {
      if ((error as { code?: unknown }).code !== DUPLICATE) throw error;
      this.#wary = LIMITS.waryInserts;
      await this.#insert(rows, SKIP_STORED);
    }
  }

  async #insert(rows: readonly Row[], onConflict: RawBuilder<unknown>): Promise<void> {
    await sql`
      insert into der_reading (der_no, read_at, power_kw, import_kwh, export_kwh, available_down_kw)
      select * from unnest(
        ${rows.map((row) => row.derNo)}::int[], ${rows.map((row) => row.telemetry.ts)}::timestamptz[],
        ${rows.map((row) => row.telemetry.power_kw)}::float8[], ${rows.map((row) => row.telemetry.import_kwh)}::float8[],
        ${rows.map((row) => row.telemetry.export_kwh)}::float8[], ${rows.map((row) => row.telemetry.available_down_kw)}::float8[])
      ${onConflict}`.execute(this.#rooms().database);
  }
}
