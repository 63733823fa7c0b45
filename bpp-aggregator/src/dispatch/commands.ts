import { commandId } from '@flexder/protocol/beckn/identifiers.ts';
import type { OrderReferences } from '@flexder/protocol/flexibility/model.ts';
import type { DeviceCommand } from '@flexder/schemas/types.ts';
import { type Selectable, sql } from 'kysely';
import { elsewhere } from '../charge-points/whereabouts.ts';
import type { Rooms, Work } from '../context.ts';
import { LIMITS } from '../limits.ts';
import { dropHolds } from '../orders/holds.ts';
import { roundKw } from '../orders/quantity.ts';
import { type OrderRow, windowOf } from '../orders/store.ts';
import { meanPowerKw } from '../portfolio/der.ts';
import type { CommandTable, CommandType } from '../tables.ts';
import { claimEnd } from './claims.ts';
import { releaseDelays, SETPOINT_OF, targetKw } from './plan.ts';

/** A command as it goes to one device. */
export interface Outgoing {
  readonly derId: string;
  readonly payload: DeviceCommand;
}

/** What one order's transaction wrote, to be sent after its commit. */
export interface FanOut {
  readonly commands: readonly Outgoing[];
  /** They are for all processes, by the queue; otherwise this process has claimed them. */
  readonly shared: boolean;
}

export interface Target {
  readonly der_no: number;
  readonly der_id: string;
  readonly sequence: number;
  readonly shed_kw: number;
}

/** A command about to be written. */
export interface Draft {
  readonly derNo: number;
  readonly shedKw: number;
  readonly baselineKw: number;
  readonly payload: DeviceCommand;
}

/**
 * Turns an order's holds into a commitment and writes one activation for every device held; the sequence of each
 * device rises in the same statement. Nothing leaves here: the rows are what is sent, now or after a crash. A device
 * whose consent has ended since it was held is left out, by what the tables say and not by what this process knows.
 */
export async function writeActivations(
  work: Work,
  rooms: Rooms,
  row: OrderRow,
  references: OrderReferences,
  dueMs: number,
) {
  const { rows } = await sql<Target>`
    with held as (
      update reservation r set committed = true from der d
      where r.order_no = ${row.order_no} and r.active and d.der_no = r.der_no and ${consents(rooms, row, sql.ref('d'))}
      returning r.der_no, r.shed_kw)
    update der set sequence = sequence + 1 from held
    where der.der_no = held.der_no and ${consents(rooms, row, sql.ref('der'))}
    returning der.der_no, der.der_id, der.sequence, held.shed_kw`.execute(work.db);
  await dropHolds(work.db, row.order_no);
  const targets = rows.sort((a, b) => (a.der_id < b.der_id ? -1 : 1));
  const delays = releaseDelays(targets.length, rooms.config.releaseSpreadSeconds);
  const nowMs = rooms.context.grid.nowMs();
  const window = windowOf(row);
  const times = instantsOf(nowMs, {
    startMs: window.startMs,
    stopMs: window.endMs,
    validUntilMs: Math.min(dueMs, window.endMs),
  });
  const drafts = targets.map((target, index): Draft => {
    const der = rooms.fleet.byNo(target.der_no);
    if (!der) throw new Error(`device ${target.der_id} is held but not in the portfolio`);
    const payload = command(rooms, row, references, target, {
      type: SETPOINT_OF[der.type],
      targetKw: targetKw(der.type, der.live.powerKw, target.shed_kw),
      times,
      releaseDelayS: delays[index] ?? 0,
    });
    const baselineKw = meanPowerKw(der.live, nowMs, LIMITS.baselineMs);
    return { derNo: target.der_no, shedKw: target.shed_kw, baselineKw, payload };
  });
  return {
    fanOut: await insertCommands(work, rooms, row.order_no, drafts),
    baselineKw: roundKw(drafts.reduce((sum, draft) => sum + draft.baselineKw, 0)),
  };
}

/** Whether a device's consent covers the order, now and until its end. */
function consents({ context }: Rooms, { window_end_at }: OrderRow, der: ReturnType<typeof sql.ref>) {
  return sql`${der}.consent_from <= ${new Date(context.grid.nowMs())} and ${der}.consent_until >= ${window_end_at}`;
}

/**
 * Ends an order's hold early on every device it was for, or on one, spread like any return. Frees the devices for other
 * orders.
 */
export async function writeReleases(
  work: Work,
  rooms: Rooms,
  row: OrderRow,
  references: OrderReferences,
  onlyDerNo?: number,
): Promise<FanOut> {
  const only = onlyDerNo === undefined ? sql`` : sql`and der_no = ${onlyDerNo}`;
  const { rows } = await sql<Target>`
    with freed as (
      update reservation set active = false where order_no = ${row.order_no} and committed and active ${only} returning der_no, shed_kw),
    unsent as (
      update command set state = 'VOID' where order_no = ${row.order_no} and state = 'PENDING' ${only})
    update der set sequence = sequence + 1 from freed where der.der_no = freed.der_no
    returning der.der_no, der.der_id, der.sequence, freed.shed_kw`.execute(work.db);
  return insertReleases(work, rooms, row, references, rows);
}

/** A release for each of `rows`, whose devices' sequence has risen. */
export function insertReleases(
  work: Work,
  rooms: Rooms,
  row: OrderRow,
  references: OrderReferences,
  rows: readonly Target[],
): Promise<FanOut> {
  const targets = [...rows].sort((a, b) => (a.der_id < b.der_id ? -1 : 1));
  const delays = releaseDelays(targets.length, rooms.config.releaseSpreadSeconds);
  const nowMs = rooms.context.grid.nowMs();
  // A device that hears of it late should still let go: until the window would have ended.
  const validUntilMs = Math.max(nowMs, row.window_end_at.getTime());
  const times = instantsOf(nowMs, { startMs: nowMs, stopMs: nowMs, validUntilMs });
  const drafts = targets.map((target, index): Draft => {
    const payload = command(rooms, row, references, target, {
      type: 'RELEASE',
      targetKw: 0,
      times,
      releaseDelayS: delays[index] ?? 0,
    });
    return { derNo: target.der_no, shedKw: target.shed_kw, baselineKw: 0, payload };
  });
  return insertCommands(work, rooms, row.order_no, drafts);
}

export type Times = Pick<DeviceCommand, 'start_at' | 'stop_at' | 'valid_until' | 'issued_at'>;

/** The same for every device of an order, so written once. */
export function instantsOf(nowMs: number, at: { startMs: number; stopMs: number; validUntilMs: number }): Times {
  const instant = (ms: number) => new Date(ms).toISOString();
  return {
    start_at: instant(at.startMs),
    stop_at: instant(at.stopMs),
    valid_until: instant(at.validUntilMs),
    issued_at: instant(nowMs),
  };
}

export function command(
  rooms: Rooms,
  row: OrderRow,
  references: OrderReferences,
  target: Target,
  plan: {
    type: CommandType;
    targetKw: number;
    times: Times;
    releaseDelayS: number;
  },
): DeviceCommand {
  return {
    v: 1,
    command_id: commandId(rooms.context.ids.uuid()),
    der_id: target.der_id,
    sequence: target.sequence,
    type: plan.type,
    order_id: row.order_id ?? '',
    obp_id: references.obpId,
    event_id: references.eventId,
    target_kw: plan.targetKw,
    start_at: plan.times.start_at,
    stop_at: plan.times.stop_at,
    valid_until: plan.times.valid_until,
    release_delay_s: plan.releaseDelayS,
    issued_at: plan.times.issued_at,
  };
}

/**
 * What this process sends at once it has claimed; what is for all processes, by the queue, nobody has, and neither what is
 * for a charge point that is not connected here: the process it is, or will be, connected to takes it from the rows.
 */
export async function insertCommands(
  work: Work,
  rooms: Rooms,
  orderNo: number,
  drafts: readonly Draft[],
  revision = 0,
): Promise<FanOut> {
  const shared = drafts.length > LIMITS.dispatchBatch && !rooms.process.alone();
  if (drafts.length === 0) return { commands: [], shared };
  const of = <T>(pick: (draft: Draft) => T) => drafts.map(pick);
  const away = await elsewhere(
    work.db,
    rooms,
    of((draft) => draft.derNo),
  );
  const mine = drafts.filter((draft) => !away.has(draft.derNo));
  const commands = mine.map(({ payload }) => ({ derId: payload.der_id, payload }));
  const claimedBy = shared ? null : rooms.process.id;
  await sql`
    insert into command (command_id, order_no, der_no, der_id, sequence, command_type, target_kw, shed_kw, baseline_kw,
      start_at, stop_at, valid_until, release_delay_s, issued_at, claimed_by, claimed_until, revision)
    select c.command_id, ${orderNo}::int, c.der_no, c.der_id, c.sequence, c.command_type, c.target_kw, c.shed_kw,
      c.baseline_kw, c.start_at, c.stop_at, c.valid_until, c.release_delay_s, c.issued_at,
      case when c.der_no = any(${[...away]}::int[]) then null else ${claimedBy}::text end, ${claimEnd()}, ${revision}::int
    from unnest(
      ${of((draft) => draft.payload.command_id)}::text[],
      ${of((draft) => draft.derNo)}::int[],
      ${of((draft) => draft.payload.der_id)}::text[],
      ${of((draft) => draft.payload.sequence)}::int[],
      ${of((draft) => draft.payload.type)}::text[],
      ${of((draft) => draft.payload.target_kw)}::float8[],
      ${of((draft) => draft.shedKw)}::float8[],
      ${of((draft) => draft.baselineKw)}::float8[],
      ${of((draft) => draft.payload.start_at)}::timestamptz[],
      ${of((draft) => draft.payload.stop_at)}::timestamptz[],
      ${of((draft) => draft.payload.valid_until)}::timestamptz[],
      ${of((draft) => draft.payload.release_delay_s)}::int[],
      ${of((draft) => draft.payload.issued_at)}::timestamptz[]
    ) as c(command_id, der_no, der_id, sequence, command_type, target_kw, shed_kw, baseline_kw, start_at, stop_at,
      valid_until, release_delay_s, issued_at)`.execute(work.db);
  return { commands, shared };
}

export type CommandRow = Selectable<CommandTable> & {
  readonly order_id: string | null;
  readonly order_references: { readonly obpId: string; readonly eventId: string } | null;
};

/** A command as it was written. */
export function outgoingOf(row: CommandRow): Outgoing {
  return {
    derId: row.der_id,
    payload: {
      v: 1,
      command_id: row.command_id,
      der_id: row.der_id,
      sequence: row.sequence,
      type: row.command_type,
      order_id: row.order_id ?? '',
      obp_id: row.order_references?.obpId ?? '',
      event_id: row.order_references?.eventId ?? '',
      target_kw: row.target_kw,
      start_at: row.start_at.toISOString(),
      stop_at: row.stop_at.toISOString(),
      valid_until: row.valid_until.toISOString(),
      release_delay_s: row.release_delay_s,
      issued_at: row.issued_at.toISOString(),
    },
  };
}
