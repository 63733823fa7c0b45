/** Which devices serve an order after a change: some stay, some are let go, some are added. */
import type { FlexSelection, TimeWindow } from '@flexder/protocol/flexibility/model.ts';
import { sql } from 'kysely';
import { parseItemId } from '../catalogue/item-id.ts';
import type { Rooms, Work } from '../context.ts';
import { LIMITS } from '../limits.ts';
import { eligibleFor, summariseExclusions } from '../portfolio/eligibility.ts';
import type { Answer, CommandType } from '../tables.ts';
import { allocate, type Pick } from './allocation.ts';
import type { Change } from './change-terms.ts';
import { hold, lockFeederOf, usageOn } from './holds.ts';
import { roundKw } from './quantity.ts';
import { type OrderRow, windowOf } from './store.ts';

/** A device of the order, with the activation that holds it. */
export interface Serving {
  readonly der_no: number;
  readonly der_id: string;
  readonly item_id: string;
  readonly shed_kw: number;
  readonly expected_kw: number;
  readonly command_type: Exclude<CommandType, 'RELEASE'>;
  readonly target_kw: number;
  readonly baseline_kw: number;
  readonly answer: Answer | null;
  /** Its answer may still come. */
  readonly open: boolean;
}

export interface Devices {
  readonly stay: readonly Serving[];
  readonly go: readonly Serving[];
  /** Held already, and not yet committed. */
  readonly added: readonly (Pick & { readonly itemId: string })[];
}

export type Found = ({ readonly ok: true } & Devices) | { readonly ok: false; readonly message: string };

/** Binary fractions of a sum of devices do not make one device more. */
const GRAIN_KW = 1e-6;

/** Holds what is added; when it refuses, whatever it held has to be dropped. */
export async function devicesFor(
  work: Work,
  rooms: Rooms,
  row: OrderRow,
  change: Change,
  excluded: ReadonlySet<string>,
): Promise<Found> {
  const { selection, grows } = change;
  await lockFeederOf(work.db, row.order_no);
  const serving = await servingOf(work, row);
  const lost = await lostTo(work, rooms, row, serving, selection.window);
  const able = serving.filter((one) => rankOf(one) > 0 && !lost.has(one.der_no)).sort(byWorth);
  const usable = able.filter(({ der_id }) => !excluded.has(der_id));
  const stay: Serving[] = [];
  const missing: { itemId: string; kw: number }[] = [];
  for (const { itemId, kw } of selection.items) {
    let expectedKw = 0;
    for (const one of usable.filter(({ item_id }) => item_id === itemId)) {
      if (expectedKw >= kw - GRAIN_KW) break;
      stay.push(one);
      expectedKw += one.expected_kw;
    }
    // Also where nothing grows: what an excluded device gave is to come from others.
    const dueKw = grows ? kw : Math.min(kw, expectedKw + givenBy(able, itemId, excluded));
    if (expectedKw < dueKw - GRAIN_KW) missing.push({ itemId, kw: dueKw - expectedKw });
  }
  const room = LIMITS.maxDersPerOrder - stay.length;
  const { added, reason } = await addDevices(work, rooms, row, selection, missing, room, excluded);
  if (reason !== undefined) return { ok: false, message: reason };
  const staying = new Set(stay);
  return { ok: true, stay, go: serving.filter((one) => !staying.has(one)), added };
}

function givenBy(serving: readonly Serving[], itemId: string, excluded: ReadonlySet<string>): number {
  const own = serving.filter((one) => one.item_id === itemId && excluded.has(one.der_id));
  return own.reduce((sum, { expected_kw }) => sum + expected_kw, 0);
}

async function servingOf(work: Work, row: OrderRow): Promise<Serving[]> {
  const { rows } = await sql<Serving>`
    select r.der_no, d.der_id, r.item_id, r.shed_kw, r.expected_kw, c.command_type, c.target_kw, c.baseline_kw, c.answer,
      c.state <> 'VOID' and not ${row.answers_closed} and c.revision >= ${row.answers_revision} as open
    from reservation r join der d on d.der_no = r.der_no
      join command c on c.order_no = r.order_no and c.der_no = r.der_no and c.command_type <> 'RELEASE'
        and c.ended_at is null
    where r.order_no = ${row.order_no} and r.active and r.committed
    order by d.der_id`.execute(work.db);
  return rows;
}

/** What has accepted is worth most, what may yet accept less; what will not is let go. */
function rankOf({ answer, open }: Serving): number {
  if (answer === 'ACCEPTED') return 2;
  return answer === null && open ? 1 : 0;
}

function byWorth(a: Serving, b: Serving): number {
  const reliability = (one: Serving) => one.expected_kw / one.shed_kw;
  return rankOf(b) - rankOf(a) || reliability(b) - reliability(a) || (a.der_id < b.der_id ? -1 : 1);
}

/** Devices that cannot serve the window as it is to be: somebody else has them then, or their consent ends before. */
async function lostTo(
  work: Work,
  rooms: Rooms,
  row: OrderRow,
  serving: readonly Serving[],
  window: TimeWindow,
): Promise<Set<number>> {
  const known = windowOf(row);
  if (window.startMs >= known.startMs && window.endMs <= known.endMs) return new Set();
  const { rows } = await sql<{ der_no: number }>`
    select distinct der_no from reservation
    where order_no <> ${row.order_no} and active and der_no = any(${serving.map((one) => one.der_no)}::int[])
      and start_at < ${new Date(window.endMs)} and end_at > ${new Date(window.startMs)}`.execute(work.db);
  const willing = await consenting(
    work,
    rooms,
    serving.map((one) => one.der_no),
    window,
  );
  const unwilling = serving.filter(({ der_no }) => !willing.has(der_no));
  return new Set([...rows, ...unwilling].map((one) => one.der_no));
}

/** By what the tables say now, and not by what this process knows. */
async function consenting(
  work: Work,
  rooms: Rooms,
  derNos: readonly number[],
  window: TimeWindow,
): Promise<Set<number>> {
  const fromMs = Math.min(rooms.context.grid.nowMs(), window.startMs);
  const { rows } = await sql<{ der_no: number }>`
    select der_no from der where der_no = any(${derNos}::int[])
      and consent_from <= ${new Date(fromMs)} and consent_until >= ${new Date(window.endMs)}`.execute(work.db);
  return new Set(rows.map((row) => row.der_no));
}

/** Holds further devices for what is `missing` of an order; `reason` where they are not enough. */
export async function addDevices(
  work: Work,
  rooms: Rooms,
  row: OrderRow,
  selection: FlexSelection,
  missing: readonly { readonly itemId: string; readonly kw: number }[],
  room: number,
  excluded: ReadonlySet<string>,
): Promise<{ added: (Pick & { itemId: string })[]; reason?: string }> {
  if (missing.length === 0) return { added: [] };
  const { window, feederId } = selection;
  const { context, config, fleet, programmes } = rooms;
  await rooms.refresh.feeder(work.db, row.feeder_id);
  const usageOf = await usageOn(work.db, feederId, window);
  const telemetryMaxAgeMs = config.telemetryMaxAgeSeconds * 1000;
  const rules = { telemetryMaxAgeMs, maxEventsPerDay: config.maxEventsPerDay, programmes, excluded };
  const served = await work.db
    .selectFrom('reservation')
    .select('der_no')
    .where('order_no', '=', row.order_no)
    .execute();
  const before = new Set(served.map(({ der_no }) => der_no));
  const others = fleet.onFeeder(feederId).filter(({ derNo }) => !before.has(derNo));
  const { eligible, excluded: left } = eligibleFor(others, usageOf, window, context.grid.nowMs(), rules);
  const picks = missing.flatMap(({ itemId, kw }) => {
    const candidates = eligible.filter(({ type }) => type === parseItemId(itemId)?.type);
    return allocate(itemId, kw, candidates, config.stepKw, room).picks.map((pick) => ({ ...pick, itemId }));
  });
  const wanted = picks.slice(0, Math.max(0, room));
  const willing = await consenting(
    work,
    rooms,
    wanted.map(({ der }) => der.derNo),
    window,
  );
  const free = wanted.filter(({ der }) => willing.has(der.derNo));
  const got = await hold(work.db, row.order_no, free, window);
  const added = picks.filter(({ der }) => got.has(der.derNo));
  for (const { itemId, kw } of missing) {
    const freeKw = added.filter((one) => one.itemId === itemId).reduce((sum, { expectedKw }) => sum + expectedKw, 0);
    if (freeKw >= kw - GRAIN_KW) continue;
    const why = summariseExclusions(left) || 'none';
    const reason = `${roundKw(kw)} kW more of ${itemId} are needed, ${roundKw(freeKw)} kW are free; devices excluded: ${why}`;
    return { added, reason };
  }
  return { added };
}
