/** What could be chosen for events, what was, and by whom. */
import { type Kysely, sql } from 'kysely';
import { ANY_BPP } from '../../flex-orchestration/decisions/restrictions.ts';
import type { NotToBeHad } from '../../flex-orchestration/decisions/store.ts';
import type { PlanOptions } from '../../flex-orchestration/planning/options.ts';
import type { BapTables } from '../../tables.ts';
import { PAGE_ROWS } from '../limits.ts';

export interface DecisionView extends PlanOptions, NotToBeHad {
  /** Events whose plans were made as one with this; empty when it was planned alone. */
  readonly plannedWith: readonly string[];
  readonly decisionId: string;
  readonly eventId: string;
  readonly feederId: string;
  readonly mode: string;
  readonly because: string;
  readonly state: string;
  /** Wall time; null: as long as the event lasts. */
  readonly dueAt: string | null;
  readonly onDue: string;
  readonly madeAt: string;
  readonly chosen: string | null;
  readonly decidedBy: string | null;
  readonly decidedRole: string | null;
  readonly decisionReason: string | null;
  readonly decidedAt: string | null;
}

export interface DecisionFilter {
  readonly eventId?: string | undefined;
  readonly feederId?: string | undefined;
  readonly open?: boolean | undefined;
  readonly limit: number;
  readonly offset: number;
}

/** Newest first. */
export async function decisionViews(db: Kysely<BapTables>, filter: DecisionFilter): Promise<DecisionView[]> {
  let query = db.selectFrom('decision').selectAll();
  if (filter.eventId) query = query.where('event_id', '=', filter.eventId);
  if (filter.feederId) query = query.where('feeder_id', '=', filter.feederId);
  if (filter.open !== undefined) query = query.where('state', filter.open ? '=' : '!=', 'OPEN');
  const rows = await query
    .orderBy('made_wall_at', 'desc')
    .orderBy('decision_id')
    .limit(filter.limit)
    .offset(filter.offset)
    .execute();
  return rows.map((row) => ({
    decisionId: row.decision_id,
    eventId: row.event_id,
    feederId: row.feeder_id,
    mode: row.mode,
    because: row.because,
    state: row.state,
    ...row.offered,
    plannedWith: row.offered.plannedWith ?? [],
    leftOut: row.offered.leftOut ?? [],
    silent: row.offered.silent ?? [],
    excludedDers: row.offered.excludedDers ?? 0,
    dueAt: row.due_wall_at?.toISOString() ?? null,
    onDue: row.on_due,
    madeAt: row.made_wall_at.toISOString(),
    chosen: row.chosen,
    decidedBy: row.decided_by,
    decidedRole: row.decided_role,
    decisionReason: row.reason,
    decidedAt: row.decided_wall_at?.toISOString() ?? null,
  }));
}

export interface RestrictionView {
  readonly kind: string;
  readonly subject: string;
  readonly by: string;
  readonly reason: string;
  readonly since: string;
  /** Of a device. */
  readonly bppId?: string;
  readonly feederId?: string;
}

/** Single devices last: they are many, and what concerns whole aggregators must not fall off the end. */
export async function restrictionViews(db: Kysely<BapTables>): Promise<RestrictionView[]> {
  const rows = await db
    .selectFrom('restriction')
    .selectAll()
    .orderBy(sql`kind = 'exclude-der'`)
    .orderBy('kind')
    .orderBy('subject')
    .limit(PAGE_ROWS)
    .execute();
  return rows.map(({ kind, subject, made_by, reason, made_wall_at, bpp_id, feeder_id }) => ({
    ...{ kind, subject, by: made_by, reason },
    since: made_wall_at.toISOString(),
    ...(bpp_id !== ANY_BPP && { bppId: bpp_id }),
    ...(feeder_id !== null && { feederId: feeder_id }),
  }));
}
