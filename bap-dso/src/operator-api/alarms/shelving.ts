/**
 * Alarms put aside for a time: a person says why and for how long, and it comes back by itself. Those of the same kind at
 * the same place that are raised meanwhile are put aside with it, since a chattering alarm is what shelves are for.
 */
import type { Request } from 'express';
import type { Kysely, Selectable } from 'kysely';
import type { AlarmTable, BapTables, ShelvingTable } from '../../tables.ts';
import type { Guard } from '../access/guard.ts';
import { text } from '../body.ts';
import type { OperatorApiDeps } from '../deps.ts';
import { REASON_LENGTH, SHELVE_MINUTES_MAX } from '../limits.ts';
import { BadRequestError } from '../parameters.ts';
import { bapTables } from '../stream/snapshot.ts';
import { type AlarmView, alarmId, recordOf } from './alarms.ts';

type Place = Pick<Selectable<AlarmTable>, 'kind' | 'event_id' | 'feeder_id' | 'obp_id' | 'substation_id'>;

const PLACE = ['kind', 'event_id', 'feeder_id', 'obp_id', 'substation_id'] as const;

export const placeOf = (row: Place): string => JSON.stringify(PLACE.map((member) => row[member]));

/** By place, what is put aside at `nowMs` (wall time). */
export async function shelvingsInForce(
  db: Kysely<BapTables>,
  nowMs: number,
): Promise<Map<string, NonNullable<AlarmView['shelved']>>> {
  const rows = await db
    .selectFrom('shelving')
    .selectAll()
    .where('ended_wall_at', 'is', null)
    .where('until_wall_at', '>', new Date(nowMs))
    .orderBy('shelving_id')
    .execute();
  return new Map(rows.map((row) => [placeOf(row), viewOf(row)]));
}

function viewOf(row: Selectable<ShelvingTable>): NonNullable<AlarmView['shelved']> {
  const [since, until] = [row.shelved_wall_at.toISOString(), row.until_wall_at.toISOString()];
  return { by: row.shelved_by, reason: row.reason, since, until };
}

/** Puts an alarm aside; one that is aside already gets the new reason and end. Throws BadRequestError. */
export async function shelve(deps: OperatorApiDeps, guard: Guard, request: Request) {
  const { reason, minutes } = text(request, { reason: REASON_LENGTH, minutes: 4 });
  const id = alarmId(request);
  const wanted = /^\d{1,4}$/.test(minutes) ? Number(minutes) : 0;
  if (wanted < 1 || wanted > SHELVE_MINUTES_MAX)
    throw new BadRequestError('minutes', `expected a whole number from 1 to ${SHELVE_MINUTES_MAX}`);
  const row = await alarmOf(deps, id);
  const by = guard.askerOf(request).person!.name;
  const nowMs = deps.context.wall.nowMs();
  const until = new Date(nowMs + wanted * 60_000);
  await deps.participant.transact(async (work) => {
    await ended(work.db, row, by, nowMs);
    await work.db
      .insertInto('shelving')
      .values({
        ...Object.fromEntries(PLACE.map((member) => [member, row[member]])),
        ...{ shelved_by: by, reason, shelved_wall_at: new Date(nowMs), until_wall_at: until },
      } as never)
      .execute();
    await work.audit({
      ...{ event_type: 'alarm.shelved', actor_id: by, actor_role: 'OPERATOR', ...recordOf(row) },
      decision: `alarm ${id} until ${until.toISOString()}: ${reason}`,
    });
  });
  return { alarmId: row.alarm_id, shelved: { by, reason, since: new Date(nowMs).toISOString(), until } };
}

/** Takes it back before its time. Throws BadRequestError when it is not put aside. */
export async function unshelve(deps: OperatorApiDeps, guard: Guard, request: Request) {
  text(request, {});
  const id = alarmId(request);
  const row = await alarmOf(deps, id);
  const by = guard.askerOf(request).person!.name;
  const nowMs = deps.context.wall.nowMs();
  await deps.participant.transact(async (work) => {
    if (!(await ended(work.db, row, by, nowMs))) throw new BadRequestError('id', `alarm ${id} is not shelved`);
    await work.audit({
      ...{ event_type: 'alarm.unshelved', actor_id: by, actor_role: 'OPERATOR', ...recordOf(row) },
      decision: `alarm ${id}: ${row.text}`,
    });
  });
  return { alarmId: row.alarm_id, shelved: null };
}

/** How many were in force. */
async function ended(db: Kysely<BapTables>, place: Place, by: string, nowMs: number): Promise<number> {
  let update = db
    .updateTable('shelving')
    .set({ ended_by: by, ended_wall_at: new Date(nowMs) })
    .where('ended_wall_at', 'is', null)
    .where('until_wall_at', '>', new Date(nowMs));
  for (const member of PLACE) update = update.where(member, 'is not distinct from', place[member]);
  const { numUpdatedRows } = await update.executeTakeFirst();
  return Number(numUpdatedRows);
}

async function alarmOf(deps: OperatorApiDeps, id: string) {
  const row = await bapTables(deps)
    .selectFrom('alarm')
    .selectAll()
    .where('alarm_id', '=', Number(id))
    .executeTakeFirst();
  if (!row) throw new BadRequestError('id', `there is no alarm ${id}`);
  return row;
}
