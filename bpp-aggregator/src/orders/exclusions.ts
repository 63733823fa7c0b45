/** Devices that the DSO excluded since an order was quoted: others are held in their place, or the quote is void. */
import type { BecknError } from '@flexder/runtime/participant/types.ts';
import { sql } from 'kysely';
import type { Rooms, Work } from '../context.ts';
import { LIMITS } from '../limits.ts';
import { addDevices } from './change-devices.ts';
import { dropHolds, lockFeederOf } from './holds.ts';
import { auditOrder, type OrderRow } from './store.ts';

/**
 * Makes the holds of an unconfirmed order do without `excluded`. What cannot be made up for ends the order: a promise
 * that rests on devices which will not be commanded is none. Returns the refusal then.
 */
export async function withoutExcluded(
  work: Work,
  rooms: Rooms,
  row: OrderRow,
  excluded: ReadonlySet<string>,
): Promise<BecknError | undefined> {
  if (excluded.size === 0) return undefined;
  await lockFeederOf(work.db, row.order_no);
  const { rows: gone } = await sql<{ item_id: string; expected_kw: number }>`
    delete from reservation r using der d
    where r.order_no = ${row.order_no} and not r.committed and d.der_no = r.der_no and d.der_id = any(${[...excluded]}::text[])
    returning r.item_id, r.expected_kw`.execute(work.db);
  if (gone.length === 0) return undefined;
  const { rows: held } = await sql<{ item_id: string; kw: number; devices: number }>`
    select item_id, sum(expected_kw)::float8 as kw, count(*)::int as devices from reservation
    where order_no = ${row.order_no} group by item_id`.execute(work.db);
  const missing = row.quote.items
    .map(({ itemId, kw }) => ({ itemId, kw: kw - (held.find((one) => one.item_id === itemId)?.kw ?? 0) }))
    .filter(({ kw }) => kw > 0);
  const room = LIMITS.maxDersPerOrder - held.reduce((sum, { devices }) => sum + devices, 0);
  const { added, reason } = await addDevices(work, rooms, row, row.selection, missing, room, excluded);
  const what = `${gone.length} held devices were excluded by the DSO`;
  if (reason === undefined) {
    await auditOrder(work, row, `${what}; ${added.length} others are held for them`);
    return undefined;
  }
  await dropHolds(work.db, row.order_no);
  const ended = await work.db
    .updateTable('flex_order')
    .set({ state: 'EXPIRED', updated_wall_at: new Date(rooms.context.wall.nowMs()) })
    .where('order_no', '=', row.order_no)
    .returningAll()
    .executeTakeFirstOrThrow();
  await auditOrder(work, ended, `${what}, and others do not make up for them: ${reason}`);
  work.afterCommit(() => rooms.timers.disarm('quote', row.order_no));
  return { code: '40003', message: `devices behind the quote are excluded: ${reason}; select again` };
}

/** Whether one of `excluded` serves the confirmed order. */
export async function servesWith(work: Work, orderNo: number, excluded: ReadonlySet<string>): Promise<boolean> {
  if (excluded.size === 0) return false;
  const { rows } = await sql`
    select from reservation r join der d on d.der_no = r.der_no
    where r.order_no = ${orderNo} and r.active and r.committed and d.der_id = any(${[...excluded]}::text[])
    limit 1`.execute(work.db);
  return rows.length > 0;
}
