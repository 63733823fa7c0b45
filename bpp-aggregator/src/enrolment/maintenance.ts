/** Devices that stopped answering: not offered until somebody has seen to them, or they answer after all. */
import { sql } from 'kysely';
import type { Rooms, Work } from '../context.ts';
import { LIMITS } from '../limits.ts';
import type { FleetDer } from '../portfolio/der.ts';
import { addChange, type Decider, EnrolmentError, now } from './changes.ts';

/** A device as the answers of one order were closed. */
export interface Closed {
  readonly der_no: number;
  readonly answered: boolean;
  /** Activations in a row that it has not answered by now. */
  readonly unanswered: number;
  readonly maintenance_since: Date | null;
}

/** Flags who has been silent too often, and takes the flag from who answers again. */
export async function reviewAnswers(work: Work, rooms: Rooms, closed: readonly Closed[]): Promise<void> {
  const silent = closed.filter((one) => !one.maintenance_since && one.unanswered >= LIMITS.unansweredBeforeMaintenance);
  const back = closed.filter((one) => one.maintenance_since && one.answered);
  const count = LIMITS.unansweredBeforeMaintenance;
  await mark(work, rooms, silent, true, { actor: 'aggregator', reason: `${count} activations in a row unanswered` });
  await mark(work, rooms, back, false, { actor: 'device', reason: 'it answered again' });
}

async function mark(
  work: Work,
  rooms: Rooms,
  ders: readonly Pick<Closed, 'der_no'>[],
  flagged: boolean,
  decider: Decider,
): Promise<void> {
  if (ders.length === 0) return;
  const { at } = now(rooms);
  const derNos = ders.map((one) => one.der_no);
  await sql`
    update der set maintenance_since = ${flagged ? at : null}::timestamptz where der_no = any(${derNos}::int[])`.execute(
    work.db,
  );
  for (const derNo of derNos) {
    const derId = rooms.fleet.byNo(derNo)?.derId;
    await addChange(work.db, rooms, derNo, 'maintenance', { flagged }, decider);
    await work.audit({
      event_type: flagged ? 'maintenance.flagged' : 'maintenance.restored',
      ...(decider.actor !== 'aggregator' && decider.actor !== 'device'
        ? { actor_id: decider.actor, actor_role: 'OPERATOR' as const }
        : {}),
      ...(derId && { der_id: derId }),
      // What an operator wrote stays in the history: it may say something of a person.
      decision: decider.actor === 'aggregator' || decider.actor === 'device' ? decider.reason : 'by an operator',
    });
  }
  work.afterCommit(() => {
    for (const derNo of derNos) rooms.fleet.maintenance(derNo, flagged ? at.getTime() : null);
    rooms.context.metrics.count(flagged ? 'maintenance_flagged' : 'maintenance_restored', {}, derNos.length);
    countMaintenance(rooms);
  });
}

/** By hand, after somebody has looked at the device. */
export async function restore(rooms: Rooms, der: FleetDer, decider: Decider): Promise<void> {
  await rooms.transact(async (work) => {
    const { rows } = await sql`
      update der set unanswered = 0 where der_no = ${der.derNo} and maintenance_since is not null returning der_no`.execute(
      work.db,
    );
    if (rows.length === 0) throw new EnrolmentError('CONFLICT', `${der.derId} is not flagged for maintenance`);
    await mark(work, rooms, [{ der_no: der.derNo }], false, decider);
  });
}

export async function inMaintenance({ database }: Rooms) {
  const rows = await database
    .selectFrom('der')
    .select(['der_id', 'device_type', 'feeder_id', 'maintenance_since', 'unanswered'])
    .where('maintenance_since', 'is not', null)
    .orderBy('maintenance_since')
    .orderBy('der_no')
    .limit(LIMITS.maxRowsShown)
    .execute();
  return rows.map((row) => ({
    derId: row.der_id,
    type: row.device_type,
    feederId: row.feeder_id,
    since: row.maintenance_since,
    unansweredInARow: row.unanswered,
  }));
}

/** Tells the metrics how many are flagged. */
export function countMaintenance({ fleet, context }: Rooms): void {
  const flagged = fleet.all().filter((der) => der.maintenanceSinceMs !== null).length;
  context.metrics.gauge('ders_in_maintenance', flagged);
}
