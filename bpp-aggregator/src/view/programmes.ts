/** What consumers may take part in, and which devices do. */
import { sql } from 'kysely';
import type { Rooms } from '../context.ts';
import type { Programme } from '../enrolment/document.ts';
import { LIMITS } from '../limits.ts';

export interface ProgrammeView extends Programme {
  readonly devices: number;
  readonly consumers: number;
}

export interface SubscriptionView {
  readonly derId: string;
  readonly type: string;
  readonly feederId: string;
  /** A pseudonym. */
  readonly consumerId: string | null;
}

export interface SubscriptionsView {
  readonly programmeId: string;
  readonly inAll: number;
  /** By id of the device; of many the first. */
  readonly subscriptions: readonly SubscriptionView[];
}

export async function programmeViews({ database, programmes }: Rooms): Promise<ProgrammeView[]> {
  const { rows } = await sql<{ programme_id: string; devices: number; consumers: number }>`
    select programme_id, count(*)::int as devices, count(distinct consumer_id)::int as consumers
    from der where programme_id is not null group by programme_id`.execute(database);
  const counts = new Map(rows.map(({ programme_id, ...of }) => [programme_id, of]));
  return programmes
    .all()
    .map((programme) => ({ ...programme, ...(counts.get(programme.programmeId) ?? { devices: 0, consumers: 0 }) }));
}

/** Undefined where there is no such programme. */
export async function subscriptionsOf(
  { database, programmes }: Rooms,
  programmeId: string,
): Promise<SubscriptionsView | undefined> {
  if (!programmes.has(programmeId)) return undefined;
  const rows = await database
    .selectFrom('der')
    .select(['der_id', 'device_type', 'feeder_id', 'consumer_id'])
    .select(sql<number>`(count(*) over ())::int`.as('in_all'))
    .where('programme_id', '=', programmeId)
    .orderBy('der_id')
    .limit(LIMITS.subscriptionsShown)
    .execute();
  return {
    programmeId,
    inAll: rows[0]?.in_all ?? 0,
    subscriptions: rows.map((row) => ({
      ...{ derId: row.der_id, type: row.device_type, feederId: row.feeder_id, consumerId: row.consumer_id },
    })),
  };
}
