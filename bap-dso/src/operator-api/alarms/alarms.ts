/** Alarms as the operator sees them, and who has heard them. */
import { type Request, Router } from 'express';
import { type Kysely, type Selectable, type SqlBool, sql } from 'kysely';
import type { AlarmTable, BapTables } from '../../tables.ts';
import type { Guard } from '../access/guard.ts';
import { body, text } from '../body.ts';
import type { OperatorApiDeps } from '../deps.ts';
import { answering } from '../http.ts';
import { BadRequestError } from '../parameters.ts';
import { bapTables } from '../stream/snapshot.ts';
import { placeOf, shelve, shelvingsInForce, unshelve } from './shelving.ts';

export interface AlarmView {
  readonly alarmId: number;
  readonly kind: string;
  readonly text: string;
  readonly eventId: string | null;
  readonly feederId: string | null;
  readonly obpId: string | null;
  readonly substationId: string | null;
  readonly raisedAt: string;
  /** What it was raised for is over: the anomaly, the event, or the decision. An order's is over when it is heard. */
  readonly returned: boolean;
  readonly ackedBy: string | null;
  readonly ackedAt: string | null;
  /** Put aside, with those like it, until an instant (wall time), when it comes back by itself. */
  readonly shelved: {
    readonly by: string;
    readonly reason: string;
    readonly since: string;
    readonly until: string;
  } | null;
}

export interface AlarmFilter {
  readonly eventId?: string | undefined;
  readonly limit: number;
  readonly offset: number;
}

/** Of a row of `alarm` joined with its `overload`. */
export const RETURNED = sql<boolean>`(alarm.cleared_wall_at is not null
  or (alarm.kind = 'decision-needed' and not exists (
    select 1 from decision where decision.event_id = alarm.event_id and decision.state = 'OPEN'))
  or (alarm.obp_id is null and coalesce(overload.state = 'RELEASED', false))
  or (alarm.obp_id is not null and alarm.acked_by is not null))`;

/** Newest first; `nowMs` is wall time. */
export async function alarmViews(db: Kysely<BapTables>, nowMs: number, filter: AlarmFilter): Promise<AlarmView[]> {
  const shelvings = await shelvingsInForce(db, nowMs);
  let query = db
    .selectFrom('alarm')
    .leftJoin('overload', 'overload.event_id', 'alarm.event_id')
    .selectAll('alarm')
    .select(RETURNED.as('returned'));
  if (filter.eventId) query = query.where('alarm.event_id', '=', filter.eventId);
  const rows = await query.orderBy('alarm.alarm_id', 'desc').limit(filter.limit).offset(filter.offset).execute();
  return rows.map((row) => ({
    alarmId: row.alarm_id,
    kind: row.kind,
    text: row.text,
    eventId: row.event_id,
    feederId: row.feeder_id,
    obpId: row.obp_id,
    substationId: row.substation_id,
    raisedAt: row.raised_wall_at.toISOString(),
    returned: row.returned,
    ackedBy: row.acked_by,
    ackedAt: row.acked_wall_at?.toISOString() ?? null,
    shelved: shelvings.get(placeOf(row)) ?? null,
  }));
}

/** Hearing an alarm changes nothing in the field, so it takes one step. */
export function alarmRoutes(deps: OperatorApiDeps, guard: Guard): Router {
  const router = Router();
  router.post(
    '/v1/alarms/:id/ack',
    guard.needs('operator'),
    body,
    answering((request) => acknowledge(deps, guard, request)),
  );
  router.post(
    '/v1/alarms/:id/shelve',
    guard.needs('operator'),
    body,
    answering((request) => shelve(deps, guard, request)),
  );
  router.post(
    '/v1/alarms/:id/unshelve',
    guard.needs('operator'),
    body,
    answering((request) => unshelve(deps, guard, request)),
  );
  return router;
}

export function alarmId(request: Request): string {
  const id = String(request.params.id);
  if (!/^\d{1,9}$/.test(id)) throw new BadRequestError('id', 'expected the number of an alarm');
  return id;
}

/** Where an alarm is, as a record says it. */
export function recordOf(row: Pick<Selectable<AlarmTable>, 'kind' | 'event_id' | 'feeder_id' | 'obp_id'>) {
  return {
    code: row.kind,
    ...(row.event_id !== null && { event_id: row.event_id }),
    ...(row.feeder_id !== null && { feeder_id: row.feeder_id }),
    ...(row.obp_id !== null && { obp_id: row.obp_id }),
  };
}

async function acknowledge(deps: OperatorApiDeps, guard: Guard, request: Request) {
  text(request, {});
  const id = alarmId(request);
  const by = guard.askerOf(request).person!.name;
  const wallAtMs = deps.context.wall.nowMs();
  const acked = await deps.participant.transact(async (work) => {
    const row = await work.db
      .updateTable('alarm')
      .set({ acked_by: by, acked_wall_at: new Date(wallAtMs) })
      .where('alarm_id', '=', Number(id))
      .where(sql<SqlBool>`acked_by is null`)
      .returningAll()
      .executeTakeFirst();
    if (!row) return false;
    await work.audit({
      ...{ event_type: 'alarm.acknowledged', actor_id: by, actor_role: 'OPERATOR' },
      ...recordOf(row),
      decision: `alarm ${id}: ${row.text}`,
    });
    await work.emit({
      topic: 'bap',
      key: id,
      value: { type: 'alarm.acknowledged', alarmId: row.alarm_id, by, wallAtMs },
    });
    return true;
  });
  if (acked) return { alarmId: Number(id), ackedBy: by };
  const known = await bapTables(deps)
    .selectFrom('alarm')
    .select('acked_by')
    .where('alarm_id', '=', Number(id))
    .executeTakeFirst();
  // Two who press at once heard it both: the second is told who was first.
  if (known) return { alarmId: Number(id), ackedBy: known.acked_by };
  throw new BadRequestError('id', `there is no alarm ${id}`);
}
