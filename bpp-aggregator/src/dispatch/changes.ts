/** What a change of an order means for its devices: only those it concerns hear of it. */
import type { OrderReferences, TimeWindow } from '@flexder/protocol/flexibility/model.ts';
import { sql } from 'kysely';
import type { Rooms, Work } from '../context.ts';
import { LIMITS } from '../limits.ts';
import type { Devices, Serving } from '../orders/change-devices.ts';
import { eventDateOf } from '../orders/holds.ts';
import { type OrderRow, windowOf } from '../orders/store.ts';
import { meanPowerKw } from '../portfolio/der.ts';
import {
  command,
  type Draft,
  type FanOut,
  insertCommands,
  insertReleases,
  instantsOf,
  type Target,
} from './commands.ts';
import { releaseDelays, SETPOINT_OF, targetKw } from './plan.ts';

export interface ChangedFleet {
  /** Those added, and where the window moved those that stay. */
  readonly activations: FanOut;
  readonly releases: FanOut;
}

/**
 * Writes releases for what goes, activations for what is added, and for all that stays when the window moved. `after` is
 * the order as it is to be, `before` as it was; answers are due at `dueMs`, grid time.
 */
export async function writeChanges(
  work: Work,
  rooms: Rooms,
  orders: { readonly before: OrderRow; readonly after: OrderRow },
  references: OrderReferences,
  { stay, go, added }: Devices,
  dueMs: number,
): Promise<ChangedFleet> {
  const { before, after } = orders;
  const nowMs = rooms.context.grid.nowMs();
  const moved =
    windowOf(before).startMs !== windowOf(after).startMs || windowOf(before).endMs !== windowOf(after).endMs;
  const again = moved ? stay : [];
  await end(work, before.order_no, [...go, ...again], nowMs);
  await letGo(work, before, go, nowMs);
  await hold(work, before.order_no, again, windowOf(after));
  await sql`update reservation set committed = true where order_no = ${before.order_no} and active`.execute(work.db);
  const releases = await insertReleases(work, rooms, before, references, await risen(work, go));
  const addedIds = added.map(({ der, shedKw }) => ({ der_no: der.derNo, shed_kw: shedKw }));
  const targets = await risen(work, [...again, ...addedIds]);
  const drafts = draftsOf(rooms, after, references, targets, again, { window: windowOf(after), nowMs, dueMs });
  const activations = await insertCommands(work, rooms, after.order_no, drafts, after.revision);
  return { activations, releases };
}

/** Activations that hold no longer; what has not left will not be taken up again. */
async function end(work: Work, orderNo: number, which: readonly Serving[], nowMs: number): Promise<void> {
  if (which.length === 0) return;
  await sql`
    update command set ended_at = ${new Date(nowMs)}, state = case when state = 'PENDING' then 'VOID' else state end
    where order_no = ${orderNo} and der_no = any(${which.map((one) => one.der_no)}::int[])
      and command_type <> 'RELEASE' and ended_at is null`.execute(work.db);
}

/** Frees devices for others; before the window begins they were never activated. */
async function letGo(work: Work, before: OrderRow, go: readonly Serving[], nowMs: number): Promise<void> {
  if (go.length === 0) return;
  const derNos = go.map((one) => one.der_no);
  if (before.window_start_at.getTime() > nowMs)
    await sql`delete from reservation where order_no = ${before.order_no} and der_no = any(${derNos}::int[])`.execute(
      work.db,
    );
  else
    await sql`
      update reservation set active = false
      where order_no = ${before.order_no} and der_no = any(${derNos}::int[])`.execute(work.db);
}

/** Holds devices for another window. Written anew and not changed: the database looks at what is added. */
async function hold(work: Work, orderNo: number, which: readonly Serving[], window: TimeWindow): Promise<void> {
  if (which.length === 0) return;
  const of = <T>(pick: (one: Serving) => T) => which.map(pick);
  const derNos = of((one) => one.der_no);
  await sql`delete from reservation where order_no = ${orderNo} and der_no = any(${derNos}::int[])`.execute(work.db);
  await sql`
    insert into reservation (order_no, der_no, item_id, shed_kw, expected_kw, start_at, end_at, event_date, committed)
    select ${orderNo}::int, h.der_no, h.item_id, h.shed_kw, h.expected_kw, ${new Date(window.startMs)},
      ${new Date(window.endMs)}, ${eventDateOf(window)}, true
    from unnest(${derNos}::int[], ${of((one) => one.item_id)}::text[], ${of((one) => one.shed_kw)}::float8[],
      ${of((one) => one.expected_kw)}::float8[]) as h(der_no, item_id, shed_kw, expected_kw)`.execute(work.db);
}

async function risen(
  work: Work,
  which: readonly { readonly der_no: number; readonly shed_kw: number }[],
): Promise<Target[]> {
  if (which.length === 0) return [];
  const { rows } = await sql<Target>`
    update der set sequence = sequence + 1
    from unnest(${which.map((one) => one.der_no)}::int[], ${which.map((one) => one.shed_kw)}::float8[])
      as w(der_no, shed_kw)
    where der.der_no = w.der_no
    returning der.der_no, der.der_id, der.sequence, w.shed_kw`.execute(work.db);
  return rows.sort((a, b) => (a.der_id < b.der_id ? -1 : 1));
}

function draftsOf(
  rooms: Rooms,
  after: OrderRow,
  references: OrderReferences,
  targets: readonly Target[],
  again: readonly Serving[],
  { window, nowMs, dueMs }: { window: TimeWindow; nowMs: number; dueMs: number },
): Draft[] {
  const known = new Map(again.map((one) => [one.der_no, one]));
  const delays = releaseDelays(targets.length, rooms.config.releaseSpreadSeconds);
  const validUntilMs = Math.min(dueMs, window.endMs);
  const times = instantsOf(nowMs, { startMs: window.startMs, stopMs: window.endMs, validUntilMs });
  return targets.map((target, index): Draft => {
    const der = rooms.fleet.byNo(target.der_no);
    if (!der) throw new Error(`device ${target.der_id} is held but not in the portfolio`);
    const before = known.get(target.der_no);
    const payload = command(rooms, after, references, target, {
      type: before?.command_type ?? SETPOINT_OF[der.type],
      // A device that sheds already is told the same target: its power now is no measure of what it can do.
      targetKw: before?.target_kw ?? targetKw(der.type, der.live.powerKw, target.shed_kw),
      times,
      releaseDelayS: delays[index] ?? 0,
    });
    const baselineKw = before?.baseline_kw ?? meanPowerKw(der.live, nowMs, LIMITS.baselineMs);
    return { derNo: target.der_no, shedKw: target.shed_kw, baselineKw, payload };
  });
}
