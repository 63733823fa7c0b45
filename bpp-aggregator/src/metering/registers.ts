import { type Kysely, sql } from 'kysely';
import { LIMITS } from '../limits.ts';
import type { AggregatorTables } from '../tables.ts';
import { type RegisterReading, type RegisterValue, registerAt } from './energy.ts';

interface Row {
  readonly der_no: number;
  readonly at: Date;
  readonly before_at: Date | null;
  readonly before_kwh: number;
  readonly before_kw: number;
  readonly after_at: Date | null;
  readonly after_kwh: number;
  readonly after_kw: number;
}

/** Net registers of devices at instants (grid time); `value(derNo, atMs)` is undefined where nothing is known. */
export async function registersAt(
  db: Kysely<AggregatorTables>,
  derNos: readonly number[],
  instantsMs: readonly number[],
): Promise<(derNo: number, atMs: number) => RegisterValue | undefined> {
  const values = new Map<string, RegisterValue>();
  for (let from = 0; from < derNos.length; from += LIMITS.readingsPerInsert) {
    const { rows } = await sql<Row>`
      select d.der_no, b.at,
        x.read_at as before_at, x.import_kwh - x.export_kwh as before_kwh, x.power_kw as before_kw,
        y.read_at as after_at, y.import_kwh - y.export_kwh as after_kwh, y.power_kw as after_kw
      from unnest(${derNos.slice(from, from + LIMITS.readingsPerInsert)}::int[]) as d(der_no)
      cross join unnest(${instantsMs.map((ms) => new Date(ms))}::timestamptz[]) as b(at)
      left join lateral (select * from der_reading r where r.der_no = d.der_no and r.read_at <= b.at
        order by r.read_at desc limit 1) x on true
      left join lateral (select * from der_reading r where r.der_no = d.der_no and r.read_at > b.at
        order by r.read_at limit 1) y on true`.execute(db);
    for (const row of rows) {
      const value = registerAt(
        row.at.getTime(),
        reading(row.before_at, row.before_kwh, row.before_kw),
        reading(row.after_at, row.after_kwh, row.after_kw),
        LIMITS.maxReadingGapMs,
      );
      if (value) values.set(`${row.der_no}/${row.at.getTime()}`, value);
    }
  }
  return (derNo, atMs) => values.get(`${derNo}/${atMs}`);
}

function reading(at: Date | null, netKwh: number, powerKw: number): RegisterReading | undefined {
  return at === null ? undefined : { atMs: at.getTime(), netKwh, powerKw };
}
