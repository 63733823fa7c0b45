import { sql } from 'kysely';
import type { Rooms, Work } from '../context.ts';
import type { Outgoing } from '../dispatch/commands.ts';
import type { OrderRow } from '../orders/store.ts';
import type { Consent, FleetDer } from '../portfolio/der.ts';
import { addChange, type Decider, EnrolmentError } from './changes.ts';
import { letGo } from './letting-go.ts';

/**
 * Another consent for a device, effective at once: what it no longer covers is let go, orders under way included.
 * Returns how many orders lost the device.
 */
export function changeConsent(rooms: Rooms, der: FleetDer, consent: Consent, decider: Decider): Promise<number> {
  if (consent.untilMs <= consent.fromMs) throw new EnrolmentError('INVALID', 'the consent ends before it begins');
  return setConsent(rooms, der, consent, decider, 'consent.changed');
}

/** Withdraws consent: the device is released at once, and not used again until there is another consent. */
export function withdrawConsent(rooms: Rooms, der: FleetDer, decider: Decider): Promise<number> {
  return setConsent(rooms, der, undefined, decider, 'consent.withdrawn');
}

function setConsent(
  rooms: Rooms,
  der: FleetDer,
  wanted: Consent | undefined,
  decider: Decider,
  eventType: string,
): Promise<number> {
  return rooms.transact(async (work) => {
    // Orders before the device, as everybody locks them.
    const orders = await ordersWith(work, der.derNo);
    const before = await work.db
      .selectFrom('der')
      .select(['consent_from', 'consent_mode'])
      .where('der_no', '=', der.derNo)
      .forUpdate()
      .executeTakeFirstOrThrow();
    const nowMs = rooms.context.grid.nowMs();
    const consent = wanted ?? {
      fromMs: Math.min(before.consent_from.getTime(), nowMs),
      untilMs: nowMs,
      mode: before.consent_mode,
    };
    const [from, until] = [new Date(consent.fromMs), new Date(consent.untilMs)];
    await work.db
      .updateTable('der')
      .set({ consent_from: from, consent_until: until, consent_mode: consent.mode })
      .where('der_no', '=', der.derNo)
      .execute();
    const value = { from, until, mode: consent.mode, ...(wanted ? {} : { withdrawn: true }) };
    await addChange(work.db, rooms, der.derNo, 'consent', value, decider);
    const lost = orders.filter((order) => consent.fromMs > nowMs || consent.untilMs < order.window_end_at.getTime());
    await work.audit({
      event_type: eventType,
      actor_id: decider.actor,
      actor_role: 'OPERATOR',
      der_id: der.derId,
      feeder_id: der.feederId,
      decision: `consent from ${from.toISOString()} until ${until.toISOString()}, ${consent.mode}; ${lost.length} orders lose the device`,
    });
    for (const order of lost) await letGo(work, rooms, order, der);
    work.afterCommit(() => rooms.fleet.consent(der.derNo, consent));
    rooms.context.metrics.count('consent_changes', { change: wanted ? 'changed' : 'withdrawn' });
    return lost.length;
  });
}

/** Orders that hold this device or have it in use, locked. */
async function ordersWith(work: Work, derNo: number): Promise<OrderRow[]> {
  const { rows } = await sql<OrderRow>`
    select o.* from flex_order o
    where o.state in ('QUOTED', 'INITIALISED', 'SCHEDULED', 'IN_PROGRESS')
      and exists (select from reservation r where r.order_no = o.order_no and r.der_no = ${derNo} and r.active)
    order by o.order_no for update`.execute(work.db);
  return rows;
}

/** A command that waited in memory while its device's consent ended is not sent; a release always is. */
export function mayLeave({ fleet }: Rooms, { derId, payload }: Outgoing): boolean {
  if (payload.type === 'RELEASE') return true;
  const until = fleet.get(derId)?.consent.untilMs ?? Number.POSITIVE_INFINITY;
  return until >= Date.parse(payload.stop_at);
}
