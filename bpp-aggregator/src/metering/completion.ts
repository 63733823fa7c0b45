import { createHash } from 'node:crypto';
import type { TimeWindow } from '@flexder/protocol/flexibility/model.ts';
import { agreedKwh } from '@flexder/protocol/flexibility/revisions.ts';
import { settlementPeriodOf } from '@flexder/protocol/flexibility/settlement-period.ts';
import { validateRecord } from '@flexder/schemas/validators.ts';
import { sql } from 'kysely';
import type { Rooms } from '../context.ts';
import { sendStatus } from '../dispatch/report.ts';
import { revisionsOf } from '../orders/revisions.ts';
import { advance, auditOrder, lockByNo, type OrderRow, windowOf } from '../orders/store.ts';
import { eventPeriods, historyDates, type Meter, meterDocument, periodsOnDay } from './document.ts';
import { energyBetween } from './energy.ts';
import { rollUp } from './half-hours.ts';
import { halfHourSlices, performanceOf } from './performance.ts';
import { registersAt } from './registers.ts';

interface Activated {
  readonly derNo: number;
  readonly baselineKw: number;
  readonly served: TimeWindow;
}

/** When an order can be metered: its last settlement period is over and the readings after it are in. Grid time. */
export function completionDueMs(row: Pick<OrderRow, 'window_end_at'>, graceSeconds: number): number {
  return settlementPeriodOf(row.window_end_at.getTime() - 1).endMs + graceSeconds * 1000;
}

/** Ends an order that ran its window: performance, the meter document and the report that refers to it. */
export async function completeOrder(rooms: Rooms, orderNo: number): Promise<void> {
  const order = await rooms.database
    .selectFrom('flex_order')
    .selectAll()
    .where('order_no', '=', orderNo)
    .executeTakeFirst();
  if (order?.state !== 'IN_PROGRESS' || order.order_id === null || order.order_references === null) return;
  // Its window was moved since: whoever moved it has armed its end anew.
  if (rooms.context.grid.nowMs() < completionDueMs(order, rooms.config.meterGraceSeconds)) return;
  const devices = await activated(rooms, orderNo);
  const performance = await measuredPerformance(rooms, order, devices);
  const document = JSON.stringify(await documentOf(rooms, order, devices));
  const sha256 = createHash('sha256').update(document).digest('hex');
  await rooms.transact(async (work) => {
    const locked = await lockByNo(work.db, orderNo);
    if (locked.revision !== order.revision) return;
    const move = advance(locked.state, 'on_status:COMPLETED');
    if (!move.ok || !move.applied) return;
    const row = await work.db
      .updateTable('flex_order')
      .set({
        state: move.state,
        performance: JSON.stringify(performance),
        meter_document: document,
        meter_sha256: sha256,
        meter_rows: (JSON.parse(document) as { rows: unknown[] }).rows.length,
        updated_wall_at: new Date(rooms.context.wall.nowMs()),
      })
      .where('order_no', '=', orderNo)
      .returningAll()
      .executeTakeFirstOrThrow();
    await auditOrder(
      work,
      row,
      `delivered ${performance.deliveredKwh} kWh, ${Math.round(performance.ratio * 100)} % of the commitment`,
    );
    await sendStatus(work, rooms, row);
    const types = new Set(devices.map(({ derNo }) => rooms.fleet.byNo(derNo)?.type));
    work.afterCommit(() => {
      rooms.delivery.forget(orderNo);
      for (const type of types) if (type) rooms.completed[type]++;
    });
  });
}

/** Devices that served the order, each with the time it did: a change may have taken it out, or in. */
async function activated(rooms: Rooms, orderNo: number): Promise<Activated[]> {
  const { rows } = await sql<{ der_no: number; baseline_kw: number; from_at: Date; until_at: Date }>`
    select der_no, (array_agg(baseline_kw order by sequence))[1] as baseline_kw,
      min(case when revision = 0 then start_at else greatest(start_at, issued_at) end) as from_at,
      max(least(ended_at, stop_at)) as until_at
    from command
    where order_no = ${orderNo} and command_type <> 'RELEASE' and answer = 'ACCEPTED'
      and (ended_at is null or ended_at > start_at)
    group by der_no, der_id order by der_id`.execute(rooms.database);
  return rows.map((row) => ({
    derNo: row.der_no,
    baselineKw: row.baseline_kw,
    served: { startMs: row.from_at.getTime(), endMs: row.until_at.getTime() },
  }));
}

async function measuredPerformance(rooms: Rooms, order: OrderRow, devices: readonly Activated[]) {
  const slices = halfHourSlices(windowOf(order));
  const parts = slices.map((slice) => devices.map(({ served }) => common(slice, served)));
  const instants = [...new Set(parts.flat().flatMap((part) => (part ? [part.startMs, part.endMs] : [])))];
  const registerOf = await registersAt(
    rooms.database,
    devices.map((device) => device.derNo),
    instants,
  );
  const kwhOf = slices.map((slice, index) =>
    devices.reduce((sum, { derNo, baselineKw }, which) => {
      const part = parts[index]?.[which];
      // While it does not serve, and where nobody has measured, nothing is claimed of it.
      if (!part) return sum + baselineKw * hoursOf(slice);
      const energy = energyBetween(registerOf(derNo, part.startMs), registerOf(derNo, part.endMs));
      const idleKwh = baselineKw * (hoursOf(slice) - hoursOf(part));
      return sum + idleKwh + (energy.quality === 'MISSING' ? baselineKw * hoursOf(part) : energy.kwh);
    }, 0),
  );
  const baselineKw = devices.reduce((sum, device) => sum + device.baselineKw, 0);
  const revisions = await revisionsOf(rooms.database, order);
  const agreed = slices.map((slice) => agreedKwh(revisions, slice));
  return performanceOf(slices, kwhOf, baselineKw, agreed);
}

const hoursOf = ({ startMs, endMs }: TimeWindow) => (endMs - startMs) / 3_600_000;

function common(a: TimeWindow, b: TimeWindow): TimeWindow | undefined {
  const [startMs, endMs] = [Math.max(a.startMs, b.startMs), Math.min(a.endMs, b.endMs)];
  return endMs > startMs ? { startMs, endMs } : undefined;
}

async function documentOf(rooms: Rooms, order: OrderRow, devices: readonly Activated[]) {
  const window = windowOf(order);
  const derNos = devices.map((device) => device.derNo);
  const { event, before } = eventPeriods(window);
  const eventDate = settlementPeriodOf(window.startMs).date;
  await rollUp(
    rooms,
    derNos,
    [...before, ...event].map((period) => period.startMs),
  );
  const past = historyDates(window).flatMap((date) => periodsOnDay([...before, ...event], eventDate, date));
  const starts = [...new Set([...past, ...before, ...event].map((period) => period.startMs))];
  const { rows } = await sql<{
    der_no: number;
    start_at: Date;
    kwh: number;
    quality: 'GOOD' | 'ESTIMATED' | 'MISSING';
  }>`
    select der_no, start_at, kwh, quality from half_hour
    where der_no = any(${derNos}::int[]) and start_at = any(${starts.map((ms) => new Date(ms))}::timestamptz[])`.execute(
    rooms.database,
  );
  const energies = new Map(rows.map((row) => [`${row.der_no}/${row.start_at.getTime()}`, row]));
  const document = meterDocument(
    order.order_id ?? '',
    order.order_references?.obpId ?? '',
    window,
    await metersOf(rooms, derNos, order.order_no),
    (derNo, startMs) => energies.get(`${derNo}/${startMs}`),
  );
  const verdict = validateRecord('meter-document', document);
  if (!verdict.valid) throw new Error(`the meter document is not valid: ${JSON.stringify(verdict.errors.slice(0, 3))}`);
  return document;
}

async function metersOf(rooms: Rooms, derNos: readonly number[], orderNo: number): Promise<Meter[]> {
  const { rows } = await sql<{
    der_no: number;
    import_msid: string;
    export_msid: string | null;
    dates: string[] | null;
  }>`
    select d.der_no, d.import_msid, d.export_msid,
      array_agg(distinct r.event_date) filter (where r.committed and r.order_no <> ${orderNo}) as dates
    from der d left join reservation r on r.der_no = d.der_no
    where d.der_no = any(${derNos}::int[])
    group by d.der_no`.execute(rooms.database);
  return rows.map((row) => ({
    derNo: row.der_no,
    importMsid: row.import_msid,
    exportMsid: row.export_msid,
    eventDates: new Set(row.dates ?? []),
  }));
}
