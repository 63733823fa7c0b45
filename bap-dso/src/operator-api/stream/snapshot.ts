/** The whole state on one screen: what a client gets on connect, before any delta. */
import type { AuditRecord } from '@flexder/protocol/audit/record.ts';
import type { ParticipantTables } from '@flexder/runtime/participant/tables.ts';
import { type Kysely, sql } from 'kysely';
import type { BapTables } from '../../tables.ts';
import { type AlarmView, alarmViews } from '../alarms/alarms.ts';
import type { FeederView, OperatorApiDeps } from '../deps.ts';
import { type DecisionView, decisionViews, type RestrictionView, restrictionViews } from '../events/decisions.ts';
import { type OverloadView, overloadViews } from '../events/overloads.ts';
import {
  RECENT_LOAD_MS,
  RECENT_POINT_MS,
  SNAPSHOT_ALARMS,
  SNAPSHOT_DECISIONS,
  SNAPSHOT_FEEDERS,
  SNAPSHOT_LOAD_FEEDERS,
  SNAPSHOT_ORDERS,
  SNAPSHOT_OVERLOADS,
  TAIL_RECORDS,
} from '../limits.ts';
import { type OrderView, orderViews } from '../orders/orders.ts';

export interface Clocks {
  readonly wallMs: number;
  readonly gridMs: number;
}

export interface LoadPoint {
  readonly atMs: number;
  readonly powerKw: number;
  readonly quality: 'GOOD' | 'ESTIMATED';
}

/** What changes: the parts of a delta are the same, and whole for each item they name. */
export interface LiveState {
  readonly feeders: readonly FeederView[];
  readonly overloads: readonly OverloadView[];
  readonly orders: readonly OrderView[];
  readonly alarms: readonly AlarmView[];
  /** That wait for a person; all of them in a delta. */
  readonly decisions: readonly DecisionView[];
  /** That hold; all of them in a delta. */
  readonly restrictions: readonly RestrictionView[];
}

export interface Snapshot extends LiveState {
  readonly mode: 'LIVE' | 'SIMULATION';
  readonly dso: { readonly id: string; readonly name: string };
  readonly clocks: Clocks;
  readonly recentLoad: Readonly<Record<string, readonly LoadPoint[]>>;
  /** Newest sealed records, oldest first. */
  readonly audit: readonly AuditRecord[];
  readonly oldestUnsealedAgeMs: number;
}

export async function snapshot(deps: OperatorApiDeps): Promise<Snapshot> {
  const { context, participant, config } = deps;
  const live = await liveState(deps);
  // A thousand feeders have more behind them than a stream may hold unsent.
  const few = live.feeders.length <= SNAPSHOT_LOAD_FEEDERS;
  return {
    // A sandbox network holds simulated devices only; whatever else it shows, it shows no real feeder.
    mode: config.networkProfile === 'sandbox' ? 'SIMULATION' : 'LIVE',
    dso: { id: config.subscriberId, name: config.dsoName },
    clocks: clocks(deps),
    ...live,
    recentLoad: few ? await recentLoad(bapTables(deps), context.grid.nowMs()) : {},
    audit: await auditTail(deps),
    oldestUnsealedAgeMs: participant.audit.oldestUnsealedAgeMs(),
  };
}

export function clocks({ context }: Pick<OperatorApiDeps, 'context'>): Clocks {
  return { wallMs: context.wall.nowMs(), gridMs: context.grid.nowMs() };
}

export async function liveState(deps: OperatorApiDeps): Promise<LiveState> {
  const db = bapTables(deps);
  return {
    feeders: deps.feeders().slice(0, SNAPSHOT_FEEDERS),
    overloads: await overloadViews(db, { limit: SNAPSHOT_OVERLOADS, offset: 0 }),
    orders: await orderViews(db, { limit: SNAPSHOT_ORDERS, offset: 0 }),
    alarms: await alarmViews(db, deps.context.wall.nowMs(), { limit: SNAPSHOT_ALARMS, offset: 0 }),
    decisions: await decisionViews(db, { open: true, limit: SNAPSHOT_DECISIONS, offset: 0 }),
    restrictions: await restrictionViews(db),
  };
}

/** Mean load of each feeder, or of one, in points of 90 s, oldest first. */
export async function recentLoad(
  db: Kysely<BapTables>,
  nowMs: number,
  feederId?: string,
): Promise<Record<string, LoadPoint[]>> {
  const pointS = RECENT_POINT_MS / 1000;
  const rows = await db
    .selectFrom('feeder_reading')
    .select([
      'feeder_id',
      sql<number>`(floor(extract(epoch from read_at) / ${sql.lit(pointS)}) * ${sql.lit(pointS)})::float8`.as('at_s'),
      sql<number>`avg(power_kw)::float8`.as('power_kw'),
      sql<boolean>`bool_or(quality = 'ESTIMATED')`.as('estimated'),
    ])
    .where('read_at', '>', new Date(nowMs - RECENT_LOAD_MS))
    .where('read_at', '<=', new Date(nowMs))
    .$if(feederId !== undefined, (query) => query.where('feeder_id', '=', feederId!))
    .groupBy(['feeder_id', 'at_s'])
    .orderBy('feeder_id')
    .orderBy('at_s')
    .limit((SNAPSHOT_LOAD_FEEDERS * RECENT_LOAD_MS) / RECENT_POINT_MS)
    .execute();
  const load: Record<string, LoadPoint[]> = Object.create(null);
  for (const row of rows) {
    load[row.feeder_id] ??= [];
    load[row.feeder_id]?.push({
      atMs: row.at_s * 1000,
      powerKw: Math.round(row.power_kw * 1000) / 1000,
      quality: row.estimated ? 'ESTIMATED' : 'GOOD',
    });
  }
  return load;
}

async function auditTail(deps: OperatorApiDeps): Promise<AuditRecord[]> {
  const rows = await auditTables(deps)
    .selectFrom('audit_record')
    .select('record')
    .where('seq', 'is not', null)
    .orderBy('seq', 'desc')
    .limit(TAIL_RECORDS)
    .execute();
  return rows.map(({ record }) => record as AuditRecord).reverse();
}

/** The query builder of both table sets, seen as one of them. */
export function bapTables({ participant }: Pick<OperatorApiDeps, 'participant'>): Kysely<BapTables> {
  return participant.database as unknown as Kysely<BapTables>;
}

export function auditTables({ participant }: Pick<OperatorApiDeps, 'participant'>): Kysely<ParticipantTables> {
  return participant.database as unknown as Kysely<ParticipantTables>;
}
