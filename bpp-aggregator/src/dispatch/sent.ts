import { type Kysely, sql } from 'kysely';
import type { Rooms } from '../context.ts';
import { lockByNo } from '../orders/store.ts';
import type { AggregatorTables } from '../tables.ts';
import { reportFanOut } from './report.ts';

export interface Sent {
  readonly commandId: string;
  readonly at: Date;
}

/** Marks what the broker took; the last of an order also starts it and tells its BAP. */
export async function markSent(rooms: Rooms, orderNo: number, sent: readonly Sent[]): Promise<void> {
  if (!rooms.process.shared)
    return rooms.transact(async (work) => {
      await lockByNo(work.db, orderNo);
      await mark(work.db, sent);
      await reportFanOut(work, rooms, orderNo);
    });
  // Batches of one order do not wait for each other: whoever finds nothing left after its own commit is the last.
  await mark(rooms.database, sent);
  if (!(await hasUnsent(rooms.database, orderNo))) await reportWhole(rooms, orderNo);
}

/** Tells of a fan-out that is through; nothing when somebody has told already. */
export function reportWhole(rooms: Rooms, orderNo: number): Promise<void> {
  return rooms.transact(async (work) => {
    await lockByNo(work.db, orderNo);
    await reportFanOut(work, rooms, orderNo);
  });
}

async function mark(db: Kysely<AggregatorTables>, sent: readonly Sent[]): Promise<void> {
  await sql`
    update command set state = 'SENT', sent_wall_at = s.at
    from unnest(${sent.map((one) => one.commandId)}::text[], ${sent.map((one) => one.at)}::timestamptz[]) as s(id, at)
    where command_id = s.id and state = 'PENDING'`.execute(db);
}

async function hasUnsent(db: Kysely<AggregatorTables>, orderNo: number): Promise<boolean> {
  const { rows } = await sql<{ some: boolean }>`
    select exists (select from command where order_no = ${orderNo} and state = 'PENDING') as some`.execute(db);
  return rows[0]?.some === true;
}
