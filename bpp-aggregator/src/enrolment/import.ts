import type { DeviceType } from '@flexder/protocol/flexibility/model.ts';
import { sql, type Transaction } from 'kysely';
import type { Rooms } from '../context.ts';
import { chunked } from '../dispatch/plan.ts';
import { LIMITS } from '../limits.ts';
import { enrolmentLock } from '../portfolio/store.ts';
import type { AggregatorTables } from '../tables.ts';
import { CONFIGURATION, type Decider, EnrolmentError, now } from './changes.ts';
import type { Consumer, EnrolmentDocument, Programme, Subscription } from './document.ts';

type Db = Transaction<AggregatorTables>;

/** What an import changed; what was so already counts nowhere. */
export interface Imported {
  readonly programmes: number;
  readonly consumers: number;
  readonly subscriptions: number;
}

/**
 * Takes a document in, all of it or nothing. Importing it twice changes nothing the second time. Throws an
 * EnrolmentError for a programme that is published with other terms, and for a subscription to what is not there.
 */
export async function importEnrolment(rooms: Rooms, document: EnrolmentDocument, decider: Decider): Promise<Imported> {
  const imported = await rooms.transact(async (work) => {
    await enrolmentLock(work.db);
    const programmes = await publish(work.db, rooms, document.programmes);
    const consumers = await enterConsumers(work.db, document.consumers);
    const derNos = await subscribeAll(work.db, rooms, document.subscriptions, decider);
    const counts = { programmes, consumers, subscriptions: derNos.length };
    if (programmes + consumers + derNos.length > 0)
      await work.audit({
        event_type: 'enrolment.imported',
        actor_id: decider.actor === CONFIGURATION ? rooms.config.subscriberId : decider.actor,
        ...(decider.actor !== CONFIGURATION && { actor_role: 'OPERATOR' as const }),
        decision: `${programmes} programmes published, ${consumers} consumers entered, ${derNos.length} devices subscribed`,
      });
    return { counts, derNos };
  });
  await rooms.programmes.load(rooms.database);
  await noteSubscriptions(rooms, imported.derNos);
  return imported.counts;
}

/** Returns how many are new. */
async function publish(db: Db, rooms: Rooms, programmes: readonly Programme[]): Promise<number> {
  let published = 0;
  for (const programme of programmes) {
    const { rows } = await sql<{ same: boolean }>`
      select programme = ${JSON.stringify(programme)}::jsonb as same from programme
      where programme_id = ${programme.programmeId}`.execute(db);
    if (rows[0]?.same) continue;
    if (rows[0]) {
      const message = `programme ${programme.programmeId} is published with other terms: publish it under another id`;
      throw new EnrolmentError('CONFLICT', message);
    }
    await db
      .insertInto('programme')
      .values({
        programme_id: programme.programmeId,
        programme: JSON.stringify(programme),
        published_wall_at: now(rooms).wallAt,
      })
      .execute();
    published++;
  }
  const { rows } = await sql<{ count: number }>`select count(*)::int as count from programme`.execute(db);
  if ((rows[0]?.count ?? 0) > LIMITS.maxProgrammes)
    throw new EnrolmentError('CONFLICT', `at most ${LIMITS.maxProgrammes} programmes are published`);
  return published;
}

/** Without a name the one that is known stays. */
async function enterConsumers(db: Db, consumers: readonly Consumer[]): Promise<number> {
  let entered = 0;
  for (const batch of chunked(consumers, LIMITS.readingsPerInsert)) {
    const { rows } = await sql`
      insert into consumer (consumer_id, kind, name)
      select * from unnest(${batch.map((one) => one.consumerId)}::text[], ${batch.map((one) => one.kind)}::text[],
        ${batch.map((one) => one.name ?? null)}::text[])
      on conflict (consumer_id) do update set kind = excluded.kind, name = coalesce(excluded.name, consumer.name)
        where (consumer.kind, consumer.name) is distinct from (excluded.kind, coalesce(excluded.name, consumer.name))
      returning consumer_id`.execute(db);
    entered += rows.length;
  }
  return entered;
}

/** Returns the numbers of the devices whose subscription is another now. */
async function subscribeAll(
  db: Db,
  rooms: Rooms,
  subscriptions: readonly Subscription[],
  decider: Decider,
): Promise<number[]> {
  await refuseUnfit(db, subscriptions);
  const derNos: number[] = [];
  for (const batch of chunked(subscriptions, LIMITS.readingsPerInsert))
    derNos.push(...(await subscribeBatch(db, rooms, batch, decider)));
  return derNos;
}

/**
 * What a configuration says counts when it says something else than before: each start reads it again, and must not undo
 * what was decided since.
 */
async function subscribeBatch(db: Db, rooms: Rooms, batch: readonly Subscription[], { actor, reason }: Decider) {
  const { at, wallAt } = now(rooms);
  const { rows } = await sql<{ der_no: number }>`
    with given as (
      select * from unnest(${batch.map((one) => one.derId)}::text[], ${batch.map((one) => one.programmeId)}::text[],
        ${batch.map((one) => one.consumerId)}::text[]) as g(der_id, programme_id, consumer_id)),
    wanted as (
      select d.der_no, g.programme_id, g.consumer_id,
        jsonb_build_object('programmeId', g.programme_id, 'consumerId', g.consumer_id) as value
      from given g join der d on d.der_id = g.der_id
      where (d.programme_id, d.consumer_id) is distinct from (g.programme_id, g.consumer_id)),
    stored as (
      update der set programme_id = w.programme_id, consumer_id = w.consumer_id from wanted w
      where der.der_no = w.der_no and (${actor}::text <> ${CONFIGURATION}::text or w.value is distinct from (
        select e.value from enrolment_change e
        where e.der_no = w.der_no and e.subject = 'subscription' and e.actor = ${CONFIGURATION}
        order by e.change_no desc limit 1))
      returning der.der_no, w.value)
    insert into enrolment_change (der_no, subject, value, actor, reason, changed_at, changed_wall_at)
    select der_no, 'subscription', value, ${actor}, ${reason}, ${at}::timestamptz, ${wallAt}::timestamptz from stored
    returning der_no`.execute(db);
  return rows.map((row) => row.der_no);
}

async function refuseUnfit(db: Db, subscriptions: readonly Subscription[]): Promise<void> {
  if (subscriptions.length === 0) return;
  const published = await db.selectFrom('programme').select('programme').execute();
  const programmes = new Map(published.map(({ programme }) => [programme.programmeId, programme]));
  const consumers = await sql<{ consumer_id: string }>`
    select consumer_id from consumer where consumer_id = any(${subscriptions.map((one) => one.consumerId)}::text[])`.execute(
    db,
  );
  const known = new Set(consumers.rows.map((row) => row.consumer_id));
  const ders = await sql<{ der_id: string; device_type: DeviceType }>`
    select der_id, device_type from der where der_id = any(${subscriptions.map((one) => one.derId)}::text[])`.execute(
    db,
  );
  const typeOf = new Map(ders.rows.map((row) => [row.der_id, row.device_type]));
  for (const { derId, programmeId, consumerId } of subscriptions) {
    const programme = programmes.get(programmeId);
    const type = typeOf.get(derId);
    if (!type) throw new EnrolmentError('UNKNOWN', `there is no device ${derId} in the portfolio`);
    if (!programme) throw new EnrolmentError('UNKNOWN', `no programme ${programmeId} is published`);
    if (!known.has(consumerId)) throw new EnrolmentError('UNKNOWN', `there is no consumer ${consumerId}`);
    if (!programme.deviceTypes.includes(type))
      throw new EnrolmentError('INVALID', `programme ${programmeId} is not for a ${type} such as ${derId}`);
  }
}

async function noteSubscriptions({ database, fleet }: Rooms, derNos: readonly number[]): Promise<void> {
  for (const batch of chunked(derNos, LIMITS.readingsPerInsert)) {
    const rows = await database
      .selectFrom('der')
      .select(['der_no', 'programme_id'])
      .where('der_no', 'in', batch)
      .execute();
    for (const row of rows) fleet.subscribe(row.der_no, row.programme_id);
  }
}
