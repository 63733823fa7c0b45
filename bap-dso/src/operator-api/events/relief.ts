/** The three lines of an event against what was asked, from the database: also after a restart, and long after it. */
import type { AuditRecord } from '@flexder/protocol/audit/record.ts';
import type { TimeWindow } from '@flexder/protocol/flexibility/model.ts';
import { type Kysely, type Selectable, type SqlBool, sql } from 'kysely';
import { baselineOf } from '../../dispatch/relief.ts';
import { rounded } from '../../grid-monitoring/detection/detection.ts';
import type { Reading } from '../../grid-monitoring/telemetry/series.ts';
import { OPERATIONAL_BASELINE_MS } from '../../limits.ts';
import type { BapTables, OverloadTable } from '../../tables.ts';
import type { OperatorApiDeps } from '../deps.ts';
import { EVENT_ORDERS, RELIEF_POINTS, RELIEF_RECORDS } from '../limits.ts';
import { COMMITTED_STATES } from '../orders/orders.ts';
import { auditTables, bapTables } from '../stream/snapshot.ts';
import {
  acknowledgedLine,
  gridMsOf,
  type LinePoint,
  measuredLine,
  type OrderFacts,
  promisedLine,
} from './relief-lines.ts';

/** kW of reduction at the feeder, grid time. */
export interface ReliefView {
  readonly eventId: string;
  /** From when to when relief is asked for. */
  readonly window: TimeWindow;
  readonly band: {
    /** Holds the limit. */
    readonly neededKw: number;
    /** Comes down to the release level: what was asked for. */
    readonly requestedKw: number;
  };
  /** What the measured fall is counted from now; null before the window and without readings. */
  readonly baselineKw: number | null;
  /** Steps: a value holds until the next. */
  readonly promised: readonly LinePoint[];
  readonly acknowledged: readonly LinePoint[];
  /** One point a reading, or the mean of those within `pointMs`. */
  readonly measured: readonly LinePoint[];
  readonly pointMs: number;
  /** Until when there is something to show: now, or the end. */
  readonly untilMs: number;
}

/** Undefined when there is no such event. */
export async function reliefOf(deps: OperatorApiDeps, eventId: string): Promise<ReliefView | undefined> {
  const event = await bapTables(deps)
    .selectFrom('overload')
    .selectAll()
    .where('event_id', '=', eventId)
    .executeTakeFirst();
  if (!event) return undefined;
  const orders = await ordersOf(deps, eventId);
  const window = { startMs: event.window_start_at.getTime(), endMs: event.window_end_at.getTime() };
  const bounds = boundsOf(window, orders, event);
  const untilMs = Math.max(bounds.startMs, Math.min(deps.context.grid.nowMs(), bounds.endMs));
  const shown = { startMs: bounds.startMs, endMs: untilMs };
  const pointMs = Math.max(1_000, Math.ceil((bounds.endMs - bounds.startMs) / RELIEF_POINTS / 1_000) * 1_000);
  const verified = await verifiedOf(deps, eventId);
  const baselineKw = verified.at(-1)?.baselineKw ?? (await baselineAt(deps, event));
  const readings = await meanReadings(
    bapTables(deps),
    event.feeder_id,
    { startMs: window.startMs, endMs: untilMs },
    pointMs,
  );
  const requestedKw = Number(event.requested_kw);
  return {
    eventId,
    window,
    band: { neededKw: rounded(Math.max(0, requestedKw - (event.limit_kw - event.release_kw))), requestedKw },
    baselineKw: baselineKw ?? null,
    promised: promisedLine(orders, shown, RELIEF_POINTS),
    acknowledged: acknowledgedLine(orders, shown, RELIEF_POINTS),
    measured: baselineKw === undefined ? [] : measuredLine(readings, verified, baselineKw),
    pointMs,
    untilMs,
  };
}

/** A little before the first window until the last one has ended, or the event was released. */
function boundsOf(window: TimeWindow, orders: readonly OrderFacts[], event: Selectable<OverloadTable>): TimeWindow {
  const windows = [window, ...orders.flatMap(({ revisions }) => revisions.map((one) => one.window))];
  const startMs = Math.min(...windows.map((one) => one.startMs));
  const endMs = Math.max(...windows.map((one) => one.endMs));
  const releasedMs = event.released_at?.getTime() ?? endMs;
  return { startMs, endMs: Math.max(startMs + 60_000, Math.min(endMs, Math.max(releasedMs, window.endMs))) };
}

interface OrderRow {
  readonly obp_id: string;
  readonly share: number;
  readonly state: string;
  readonly committed_kw: number;
  readonly window: TimeWindow;
  readonly acknowledged_kw: number | null;
}

/** Its own, and those of events planned with it that it counts on. */
async function ordersOf(deps: OperatorApiDeps, eventId: string): Promise<OrderFacts[]> {
  const db = bapTables(deps);
  const { rows } = await sql<OrderRow>`
    select f.obp_id, f.share, o.state, o.committed_kw, o.selection->'window' as window,
      (o.dispatch->>'acknowledgedKw')::float8 as acknowledged_kw
    from (select obp_id, felt_share as share from flex_order where event_id = ${eventId}
      union all select obp_id, felt_share from order_reach where event_id = ${eventId}) f
    join flex_order o on o.obp_id = f.obp_id
    order by o.created_wall_at, o.obp_id limit ${sql.lit(EVENT_ORDERS)}`.execute(db);
  const obpIds = rows.map(({ obp_id }) => obp_id);
  if (obpIds.length === 0) return [];
  const revisions = await db
    .selectFrom('order_revision')
    .select(['obp_id', 'from_at', 'committed_kw', 'window_start_at', 'window_end_at'])
    .where('obp_id', 'in', obpIds)
    .orderBy('obp_id')
    .orderBy('revision')
    .execute();
  const records = await movesOf(deps, obpIds);
  return rows.map((row) => {
    const changed = revisions.filter(({ obp_id }) => obp_id === row.obp_id);
    const agreed = changed.map(({ from_at, committed_kw, window_start_at, window_end_at }) => ({
      fromMs: from_at.getTime(),
      committedKw: committed_kw,
      window: { startMs: window_start_at.getTime(), endMs: window_end_at.getTime() },
    }));
    const { window, committed_kw: committedKw } = row;
    return {
      share: row.share,
      revisions: agreed.length > 0 ? agreed : [{ fromMs: window.startMs, committedKw, window }],
      records: records.get(row.obp_id) ?? [],
      acknowledgedKw: row.acknowledged_kw,
      confirmed: COMMITTED_STATES.has(row.state),
    };
  });
}

async function movesOf(deps: OperatorApiDeps, obpIds: readonly string[]): Promise<Map<string, AuditRecord[]>> {
  const rows = await auditTables(deps)
    .selectFrom('audit_record')
    .select('record')
    .where(sql<SqlBool>`record->>'obp_id' = any(${obpIds}::text[])`)
    .where(sql<SqlBool>`record->>'event_type' = 'order.changed'`)
    .orderBy('id')
    .limit(RELIEF_RECORDS)
    .execute();
  const moves = new Map<string, AuditRecord[]>(obpIds.map((obpId) => [obpId, []]));
  for (const { record } of rows) moves.get(record.obp_id ?? '')?.push(record as AuditRecord);
  return moves;
}

async function verifiedOf(deps: OperatorApiDeps, eventId: string) {
  const rows = await auditTables(deps)
    .selectFrom('audit_record')
    .select('record')
    .where(sql<SqlBool>`record->>'event_id' = ${eventId}`)
    .where(sql<SqlBool>`record->>'event_type' = 'response.verified'`)
    .orderBy('id')
    .limit(RELIEF_RECORDS)
    .execute();
  return rows.flatMap(({ record }) => {
    const baselineKw = record.rule_inputs?.baseline_kw;
    return typeof baselineKw === 'number' ? [{ atMs: gridMsOf(record), baselineKw }] : [];
  });
}

/** As the verification fixes it when the window begins, and none before; of an event whose readings are gone, what its row says. */
async function baselineAt(deps: OperatorApiDeps, event: Selectable<OverloadTable>): Promise<number | undefined> {
  const startMs = event.window_start_at.getTime();
  if (deps.context.grid.nowMs() < startMs) return undefined;
  const before = await bapTables(deps)
    .selectFrom('feeder_reading')
    .select(['read_at', 'power_kw'])
    .where('feeder_id', '=', event.feeder_id)
    .where('read_at', '>=', new Date(startMs - OPERATIONAL_BASELINE_MS))
    .where('read_at', '<', new Date(startMs))
    .limit(RELIEF_RECORDS)
    .execute();
  const readings = before.map(({ read_at, power_kw }) => ({ atMs: read_at.getTime(), powerKw: power_kw }));
  return rounded(baselineOf(readings, event.release_kw) ?? event.baseline_kw);
}

/** At most RELIEF_POINTS and one, each at its latest reading. */
async function meanReadings(
  db: Kysely<BapTables>,
  feederId: string,
  { startMs, endMs }: TimeWindow,
  pointMs: number,
): Promise<Reading[]> {
  const width = sql.lit(pointMs / 1_000);
  const rows = await db
    .selectFrom('feeder_reading')
    .select([
      sql<Date>`max(read_at)`.as('at'),
      sql<number>`avg(power_kw)::float8`.as('power_kw'),
      sql<number>`floor(extract(epoch from read_at) / ${width})`.as('slot'),
    ])
    .where('feeder_id', '=', feederId)
    .where('read_at', '>=', new Date(startMs))
    .where('read_at', '<=', new Date(endMs))
    .groupBy('slot')
    .orderBy('slot')
    .limit(RELIEF_POINTS + 2)
    .execute();
  return rows.map(({ at, power_kw }) => ({ atMs: at.getTime(), powerKw: power_kw }));
}
