/** What the DSO knows of single devices: from the network model, and from what aggregators report of their orders. */
import { NAMED_DEVICES, type StatusAnswer } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { DeviceAnswers } from '@flexder/protocol/flexibility/model.ts';
import { type Kysely, sql } from 'kysely';
import { raiseAlarm } from '../flex-orchestration/alarms/alarms.ts';
import { ANY_BPP } from '../flex-orchestration/decisions/restrictions.ts';
import type { Desk, OrderRow, Work } from '../flex-orchestration/desk.ts';
import { DER_ORDERS, DERS_PER_AGGREGATOR } from '../limits.ts';
import type { NetworkModel } from '../network-model/model.ts';
import type { BapTables } from '../tables.ts';
import type { DerOrder } from './tables.ts';

/**
 * Writes down what each device of a report answered, and raises an alarm for those that had been excluded from the
 * order. Repeated reports change nothing; what an aggregator reports beyond its bound of devices is not kept.
 */
export async function noteDevices(desk: Desk, work: Work, order: OrderRow, report: StatusAnswer): Promise<void> {
  const devices = report.devices ?? [];
  if (devices.length === 0) return;
  const { bpp_id: bppId } = order;
  const derIds = devices.map(({ derId }) => derId).sort();
  await adopt(work, order, derIds);
  const { rows: known } = await sql<{ der_id: string; recent: DerOrder[] }>`
    select der_id, recent from der where bpp_id = ${bppId} and der_id = any(${derIds}::text[])
    order by der_id for update`.execute(work.db);
  const recentOf = new Map(known.map(({ der_id, recent }) => [der_id, recent]));
  const fresh = devices.filter(({ derId }) => !recentOf.has(derId));
  const refused = fresh.slice(await roomFor(work, bppId, fresh.length));
  if (refused.length > 0) desk.context.metrics.count('bap_ders_not_kept', {}, refused.length);
  await alarmExcluded(desk, work, order, report, recentOf);
  const isNews = ({ derId, answer, askedKw, reason }: DeviceAnswers[number]) =>
    !recentOf
      .get(derId)
      ?.some(
        (one) =>
          one.obpId === order.obp_id &&
          one.answer === answer &&
          one.askedKw === askedKw &&
          one.reason === reason &&
          !one.left,
      );
  const news = devices.filter((one) => !refused.includes(one) && isNews(one));
  if (news.length > 0) await write(desk, work, order, news, recentOf);
  if ((report.dispatch?.revision ?? 0) > 0 && devices.length < NAMED_DEVICES) await noteLeft(work, order, derIds);
}

/** A device that only the network model knew has an aggregator from here on. */
async function adopt(work: Work, order: OrderRow, derIds: readonly string[]): Promise<void> {
  await sql`
    update der set bpp_id = ${order.bpp_id}
    where bpp_id = ${ANY_BPP} and feeder_id = ${order.feeder_id} and der_id = any(${derIds}::text[])
      and not exists (select from der own where own.der_id = der.der_id and own.bpp_id = ${order.bpp_id})`.execute(
    work.db,
  );
}

/** Devices that the order had, and its report names no longer: a change let them go. */
async function noteLeft(work: Work, { bpp_id, obp_id }: OrderRow, derIds: readonly string[]): Promise<void> {
  await sql`
    update der set last_obp_id = null,
      recent = (select jsonb_agg(case when one ->> 'obpId' = ${obp_id} then one || '{"left": true}' else one end order by at)
        from jsonb_array_elements(recent) with ordinality as each(one, at))
    where bpp_id = ${bpp_id} and last_obp_id = ${obp_id} and not der_id = any(${derIds}::text[])`.execute(work.db);
}

/** How many of `wanted` further devices an aggregator may have. */
async function roomFor(work: Work, bppId: string, wanted: number): Promise<number> {
  if (wanted === 0) return 0;
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from der where bpp_id = ${bppId}`.execute(work.db);
  return Math.max(0, Math.min(wanted, DERS_PER_AGGREGATOR - (rows[0]?.count ?? 0)));
}

async function write(
  { context }: Desk,
  work: Work,
  order: OrderRow,
  devices: DeviceAnswers,
  recentOf: ReadonlyMap<string, readonly DerOrder[]>,
): Promise<void> {
  const atMs = order.selection.window.startMs;
  const toldMs = context.wall.nowMs();
  const rows = [...devices]
    .sort((a, b) => (a.derId < b.derId ? -1 : 1))
    .map((one) => {
      const { derId, deviceType, askedKw, answer, reason } = one;
      const before = (recentOf.get(derId) ?? []).filter(({ obpId }) => obpId !== order.obp_id);
      const recent = [
        { obpId: order.obp_id, answer, askedKw, atMs, toldMs, ...(reason !== undefined && { reason }) },
        ...before,
      ]
        .sort((a, b) => b.atMs - a.atMs)
        .slice(0, DER_ORDERS);
      return { derId, deviceType, recent };
    });
  const of = <T>(pick: (row: (typeof rows)[number]) => T) => rows.map(pick);
  await sql`
    insert into der (der_id, bpp_id, feeder_id, device_type, last_obp_id, last_answer, recent, heard_wall_at)
    select g.der_id, ${order.bpp_id}::text, ${order.feeder_id}::text, g.device_type, g.obp_id, g.answer, g.recent,
      ${new Date(toldMs)}::timestamptz
    from unnest(${of((row) => row.derId)}::text[], ${of((row) => row.deviceType)}::text[],
      ${of((row) => row.recent[0]!.obpId)}::text[], ${of((row) => row.recent[0]!.answer)}::text[],
      ${of((row) => JSON.stringify(row.recent))}::text[]::jsonb[]) as g(der_id, device_type, obp_id, answer, recent)
    on conflict (der_id, bpp_id) do update set feeder_id = excluded.feeder_id, device_type = excluded.device_type,
      last_obp_id = excluded.last_obp_id, last_answer = excluded.last_answer, recent = excluded.recent,
      heard_wall_at = excluded.heard_wall_at`.execute(work.db);
}

/** A report of an order that was confirmed, or changed, without a device must not name it. Told once an order. */
async function alarmExcluded(
  desk: Desk,
  work: Work,
  order: OrderRow,
  { devices = [], dispatch }: StatusAnswer,
  recentOf: ReadonlyMap<string, readonly DerOrder[]>,
): Promise<void> {
  // A report from before the change that took a device out rightly names it.
  if ((dispatch?.revision ?? 0) < order.revision) return;
  const excluded = new Set(order.excluded_der_ids ?? []);
  const used = devices.filter(
    ({ derId }) => excluded.has(derId) && !recentOf.get(derId)?.some(({ obpId }) => obpId === order.obp_id),
  );
  if (used.length === 0) return;
  const named = used.map(({ derId, answer, askedKw }) => `${derId} (${answer.toLowerCase()}, ${askedKw} kW)`);
  const text = `${order.bpp_id} commanded excluded devices for its order: ${named.slice(0, 10).join(', ')}`;
  const names = { eventId: order.event_id, feederId: order.feeder_id, obpId: order.obp_id };
  await raiseAlarm(
    desk,
    work,
    { kind: 'excluded-der-used', ...names, text: used.length > 10 ? `${text} and ${used.length - 10} more` : text },
    {
      counterparty_id: order.bpp_id,
      der_id: used[0]!.derId,
      rule_inputs: { excluded: excluded.size, commanded: used.length },
    },
  );
}

/** The devices of the network model, as it is now: those that left it keep only what was reported of them. */
export async function noteNetwork(db: Kysely<BapTables>, network: NetworkModel | undefined): Promise<void> {
  const ders = network?.ders ?? [];
  const of = <T>(pick: (der: (typeof ders)[number]) => T) => ders.map(pick);
  await db.transaction().execute(async (transaction) => {
    await sql`update der set rated_kw = null, import_msid = null, essential = false where rated_kw is not null`.execute(
      transaction,
    );
    await sql`
      insert into der (der_id, bpp_id, feeder_id, rated_kw, import_msid, essential)
      select g.der_id, case when g.bpp_id <> ${ANY_BPP} then g.bpp_id
          else coalesce((select max(own.bpp_id) from der own where own.der_id = g.der_id and own.feeder_id = g.feeder_id), ${ANY_BPP}) end,
        g.feeder_id, g.rated_kw, g.import_msid, g.essential
      from unnest(${of(({ derId }) => derId)}::text[], ${of(({ aggregatorId }) => aggregatorId ?? ANY_BPP)}::text[],
        ${of(({ feederId }) => feederId)}::text[], ${of(({ ratedKw }) => ratedKw)}::float8[],
        ${of(({ msid }) => msid)}::text[], ${of(({ essential }) => essential)}::boolean[])
        as g(der_id, bpp_id, feeder_id, rated_kw, import_msid, essential)
      on conflict (der_id, bpp_id) do update set rated_kw = excluded.rated_kw, import_msid = excluded.import_msid,
        essential = excluded.essential`.execute(transaction);
    // Nothing was ever reported of it, and nobody knows it any more.
    await sql`delete from der where rated_kw is null and recent = '[]'::jsonb`.execute(transaction);
  });
}
