import { type Kysely, sql } from 'kysely';
import type { Rooms } from '../context.ts';
import { LIMITS } from '../limits.ts';
import type { AggregatorTables } from '../tables.ts';
import type { FleetDer } from './der.ts';
import { contractOf, type DerRow, recordOf } from './store.ts';

type Row = DerRow & {
  readonly read_at: Date | null;
  readonly power_kw: number;
  readonly available_down_kw: number;
  /** Of a charge point: whether it is connected to a process that is alive. */
  readonly connected: boolean | null;
};

/**
 * Brings a feeder's devices in memory up to what the tables say: readings, answers and devices that another process of
 * this aggregator heard of. One query, over what is newer than what is known. Nothing to do for a process that cannot
 * have others, and nothing twice for one that has been alone ever since: with thousands of devices it takes a tenth of a second.
 */
export class Refresh {
  readonly #rooms: () => Rooms;
  /** Wall time (monotonic) of the last one, by feeder of ours. */
  readonly #doneMs = new Map<string, number>();
  /** By feeder of ours, how often others had been met when it was read by a process that was alone. */
  readonly #whole = new Map<string, number>();

  constructor(rooms: () => Rooms) {
    this.#rooms = rooms;
  }

  async feeder(db: Kysely<AggregatorTables>, feederId: string): Promise<void> {
    const { process, context, fleet, peers, programmes } = this.#rooms();
    if (!process.shared) return;
    const whole = peers.alone ? peers.met : undefined;
    if (whole !== undefined && this.#whole.get(feederId) === whole) return;
    const nowMs = context.wall.monotonicMs();
    if (nowMs - (this.#doneMs.get(feederId) ?? Number.NEGATIVE_INFINITY) < LIMITS.refreshMs) return;
    const rows = await newerThan(db, feederId, fleet.onFeeder(feederId), context.grid.nowMs() - LIMITS.baselineMs);
    // Another process may have published what some of these are subscribed to.
    if (rows.some((row) => row.programme_id !== null && !programmes.has(row.programme_id))) await programmes.load(db);
    for (const row of rows) {
      if (fleet.byNo(row.der_no)) fleet.note(recordOf(row));
      else fleet.put(contractOf(row), recordOf(row));
      if (row.connected !== null) fleet.setOnline(contractOf(row).derId, row.connected);
      if (row.read_at === null) continue;
      fleet.read(contractOf(row).derId, {
        atMs: row.read_at.getTime(),
        powerKw: row.power_kw,
        availableDownKw: row.available_down_kw,
      });
    }
    // Feeders that are not ours are asked for by anybody, and remembered by nobody.
    if (rows.length === 0) return;
    this.#doneMs.set(feederId, nowMs);
    if (whole !== undefined) this.#whole.set(feederId, whole);
  }

  /** What a process that is alone has not read since it last met others: no search then waits for it. */
  async rest(): Promise<void> {
    const { database, fleet, peers } = this.#rooms();
    for (const feederId of fleet.feeders())
      if (this.#whole.get(feederId) !== peers.met) await this.feeder(database, feederId);
  }
}

/** Each device of the feeder with its readings since the newest known one, oldest first; at least one row a device. */
async function newerThan(
  db: Kysely<AggregatorTables>,
  feederId: string,
  known: readonly FleetDer[],
  sinceMs: number,
): Promise<readonly Row[]> {
  const { rows } = await sql<Row>`
    select d.*, r.read_at, r.power_kw, r.available_down_kw, case when p.der_no is not null then exists (
      select from process s where s.process_id = p.process_id
        and s.seen_at > clock_timestamp() - ${sql.lit(LIMITS.peerAliveMs)} * interval '1 ms') end as connected
    from der d
    left join charge_point p on p.der_no = d.der_no
    left join unnest(${known.map((der) => der.derNo)}::int[],
      ${known.map((der) => new Date(der.live.readAtMs ?? 0))}::timestamptz[]) as k(der_no, read_at) on k.der_no = d.der_no
    left join lateral (
      select x.read_at, x.power_kw, x.available_down_kw from der_reading x
      where x.der_no = d.der_no and x.read_at > greatest(k.read_at, ${new Date(sinceMs)}::timestamptz)
      order by x.read_at desc limit ${sql.lit(LIMITS.maxSamplesPerDer)}) r on true
    where d.feeder_id = ${feederId}
    order by d.der_no, r.read_at`.execute(db);
  return rows;
}
