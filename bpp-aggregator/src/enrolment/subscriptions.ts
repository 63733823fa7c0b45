import type { Rooms } from '../context.ts';
import { addChange, type Decider, EnrolmentError, refreshDer } from './changes.ts';

/** Ends the subscription of a device: it is no longer offered. What is ordered already runs; consent ends that. */
export async function endSubscription(rooms: Rooms, derId: string, decider: Decider): Promise<void> {
  const der = rooms.fleet.get(derId);
  if (!der) throw new EnrolmentError('UNKNOWN', `there is no device ${derId} in the portfolio`);
  await rooms.transact(async (work) => {
    const row = await work.db
      .selectFrom('der')
      .select(['programme_id', 'consumer_id'])
      .where('der_no', '=', der.derNo)
      .forUpdate()
      .executeTakeFirstOrThrow();
    if (row.programme_id === null) throw new EnrolmentError('CONFLICT', `${derId} is subscribed to no programme`);
    await work.db.updateTable('der').set({ programme_id: null }).where('der_no', '=', der.derNo).execute();
    const value = { programmeId: null, consumerId: row.consumer_id };
    await addChange(work.db, rooms, der.derNo, 'subscription', value, decider);
    await work.audit({
      event_type: 'subscription.ended',
      actor_id: decider.actor,
      actor_role: 'OPERATOR',
      der_id: derId,
      decision: `no longer in programme ${row.programme_id}`,
    });
  });
  await refreshDer(rooms, der.derNo);
}
