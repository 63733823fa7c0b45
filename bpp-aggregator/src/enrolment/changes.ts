import type { Kysely, Transaction } from 'kysely';
import type { Rooms } from '../context.ts';
import { LIMITS } from '../limits.ts';
import { recordOf } from '../portfolio/store.ts';
import type { AggregatorTables } from '../tables.ts';
import type { Subject } from './tables.ts';

/** Who decides, and why. */
export interface Decider {
  /** A pseudonym or the name of a program; it stands in the audit. */
  readonly actor: string;
  /** Stays in the tables: it may say something of a person. */
  readonly reason: string;
}

/** The file a service was configured with: what it says is applied once, and not again after somebody decided otherwise. */
export const CONFIGURATION = 'configuration';

/** What a person decided cannot be done; nothing has changed. */
export class EnrolmentError extends Error {
  override name = 'EnrolmentError';
  readonly code: 'UNKNOWN' | 'CONFLICT' | 'INVALID';
  constructor(code: EnrolmentError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

export function now({ context }: Pick<Rooms, 'context'>) {
  return { at: new Date(context.grid.nowMs()), wallAt: new Date(context.wall.nowMs()) };
}

/** Adds one decision to the history of one device. */
export async function addChange(
  db: Transaction<AggregatorTables>,
  rooms: Rooms,
  derNo: number,
  subject: Subject,
  value: Record<string, unknown>,
  { actor, reason }: Decider,
): Promise<void> {
  const { at, wallAt } = now(rooms);
  await db
    .insertInto('enrolment_change')
    .values({
      der_no: derNo,
      subject,
      value: JSON.stringify(value),
      actor,
      reason,
      changed_at: at,
      changed_wall_at: wallAt,
    })
    .execute();
}

export interface ShownChange {
  readonly subject: Subject;
  readonly value: Record<string, unknown>;
  readonly by: string;
  readonly reason: string;
  readonly gridTime: string;
  readonly time: string;
}

/** The newest decisions about a device, newest first. */
export async function historyOf(db: Kysely<AggregatorTables>, derNo: number): Promise<ShownChange[]> {
  const rows = await db
    .selectFrom('enrolment_change')
    .selectAll()
    .where('der_no', '=', derNo)
    .orderBy('change_no', 'desc')
    .limit(LIMITS.maxChangesShown)
    .execute();
  return rows.map((row) => ({
    subject: row.subject,
    value: row.value,
    by: row.actor,
    reason: row.reason,
    gridTime: row.changed_at.toISOString(),
    time: row.changed_wall_at.toISOString(),
  }));
}

/** Brings one device in memory up to its row; called after a change of it is committed. */
export async function refreshDer({ database, fleet }: Rooms, derNo: number): Promise<void> {
  const row = await database.selectFrom('der').selectAll().where('der_no', '=', derNo).executeTakeFirst();
  if (row) fleet.note(recordOf(row));
}
