/** The figures of the alarms of a day or a week, from the table. */
import type { Request } from 'express';
import { type Kysely, type SqlBool, sql } from 'kysely';
import type { BapTables } from '../../tables.ts';
import { RETURNED } from '../alarms/alarms.ts';
import type { OperatorApiDeps } from '../deps.ts';
import { KPI_ALARMS } from '../limits.ts';
import { oneOf, parameters } from '../parameters.ts';
import { bapTables } from '../stream/snapshot.ts';
import { type AlarmFigures, figuresOf } from './kpi.ts';

const HOUR_MS = 3_600_000;
const STANDING_MS = 24 * HOUR_MS;

export interface AlarmKpi extends AlarmFigures {
  /** Wall time. */
  readonly from: string;
  readonly to: string;
  /** Raised more than a day ago, and not over: of whatever age, put aside or not. */
  readonly standing: number;
  /** There were more than are looked at: the figures are those of the newest, and begin with the oldest of them. */
  readonly cut: boolean;
}

/** Throws BadRequestError. */
export async function alarmKpi(deps: OperatorApiDeps, request: Request): Promise<AlarmKpi> {
  const { period } = parameters(request, { period: oneOf(['24h', '7d']) });
  const hours = period === '7d' ? 7 * 24 : 24;
  return kpiAt(bapTables(deps), deps.context.wall.nowMs(), hours);
}

/** Of the hours before `nowMs` (wall time). */
export async function kpiAt(db: Kysely<BapTables>, nowMs: number, hours: number): Promise<AlarmKpi> {
  const sinceMs = nowMs - hours * HOUR_MS;
  const rows = await db
    .selectFrom('alarm')
    .select(['kind', 'raised_wall_at', 'acked_wall_at'])
    .where('raised_wall_at', '>', new Date(sinceMs))
    .where('raised_wall_at', '<=', new Date(nowMs))
    .orderBy('alarm_id', 'desc')
    .limit(KPI_ALARMS + 1)
    .execute();
  const cut = rows.length > KPI_ALARMS;
  const alarms = rows.slice(0, KPI_ALARMS).map((row) => ({
    ...{ kind: row.kind, raisedMs: row.raised_wall_at.getTime() },
    ackedMs: row.acked_wall_at?.getTime() ?? null,
  }));
  const fromMs = cut ? alarms.at(-1)!.raisedMs : sinceMs;
  return {
    ...{ from: new Date(fromMs).toISOString(), to: new Date(nowMs).toISOString(), cut },
    ...figuresOf(alarms, fromMs, nowMs),
    standing: await standingAt(db, nowMs),
  };
}

async function standingAt(db: Kysely<BapTables>, nowMs: number): Promise<number> {
  const { count } = await db
    .selectFrom('alarm')
    .leftJoin('overload', 'overload.event_id', 'alarm.event_id')
    .select(sql<number>`count(*)::int`.as('count'))
    .where('alarm.cleared_wall_at', 'is', null)
    .where('alarm.raised_wall_at', '<=', new Date(nowMs - STANDING_MS))
    .where(sql<SqlBool>`not ${RETURNED}`)
    .executeTakeFirstOrThrow();
  return count;
}
