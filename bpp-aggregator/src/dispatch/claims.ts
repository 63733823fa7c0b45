import { type Kysely, sql } from 'kysely';
import { isConnected, isReachable } from '../charge-points/whereabouts.ts';
import type { Rooms } from '../context.ts';
import { LIMITS } from '../limits.ts';
import type { AggregatorTables } from '../tables.ts';
import { type CommandRow, type Outgoing, outgoingOf } from './commands.ts';

/**
 * Which unsent commands of an order may be claimed: `free` are those meant for whoever works on the queue, `lapsed` those
 * whose process, or whose queue, has not done its work in time, `all` is for a process that is alone, `connected` those
 * whose charge points are connected to this process. The commands of a charge point are nobody else's.
 */
export type Claimable = 'free' | 'lapsed' | 'all' | 'connected';

/** By the clock of the database, which is one for all processes. */
export function claimEnd() {
  return sql<Date>`clock_timestamp() + ${sql.lit(LIMITS.commandClaimMs)} * interval '1 millisecond'`;
}

const CLAIMABLE = {
  free: sql`(claimed_by is null or claimed_until < clock_timestamp())`,
  lapsed: sql`(claimed_until is null or claimed_until < clock_timestamp())`,
  all: sql`true`,
  connected: sql`(claimed_by is null or claimed_until < clock_timestamp())`,
};

/**
 * Claims at most `limit` commands that have not been handed to the broker and are still alive, as they were written. No
 * two processes are given the same one, and whoever has one may publish it until the claim lapses.
 */
export async function claimCommands(
  { database, context, process }: Rooms,
  orderNo: number,
  limit: number,
  what: Claimable,
): Promise<Outgoing[]> {
  const { rows } = await sql<CommandRow>`
    with mine as (
      update command set claimed_by = ${process.id}::text, claimed_until = ${claimEnd()}
      where command_id in (
        select command_id from command
        where order_no = ${orderNo} and state = 'PENDING' and valid_until > ${new Date(context.grid.nowMs())}
          and ${CLAIMABLE[what]} and ${what === 'connected' ? isConnected(process.id) : isReachable(process.id)}
        order by der_id limit ${limit} for update skip locked)
      returning *)
    select mine.*, o.order_id, o.order_references from mine join flex_order o on o.order_no = mine.order_no
    order by mine.der_id`.execute(database);
  return rows.map(outgoingOf);
}

/** Gives commands back that could not be published: whoever is next at the queue has them, or a sweep in time. */
export async function unclaim(db: Kysely<AggregatorTables>, commandIds: readonly string[]): Promise<void> {
  await sql`update command set claimed_by = null, claimed_until = ${claimEnd()}
    where command_id = any(${commandIds}::text[]) and state = 'PENDING'`.execute(db);
}

/** This process ends: what it has claimed is anybody's at once. */
export async function unclaimAll({ database, process }: Rooms): Promise<void> {
  await sql`update command set claimed_until = clock_timestamp()
    where claimed_by = ${process.id}::text and state = 'PENDING'`.execute(database);
}

/** Orders with commands that nobody publishes although they are alive. */
export async function ordersLeft({ database, context, process }: Rooms): Promise<number[]> {
  const now = new Date(context.grid.nowMs());
  const { rows } = await sql<{ order_no: number }>`
    select order_no from flex_order o
    where o.window_end_at > ${now} and exists (
      select from command
      where command.order_no = o.order_no and command.state = 'PENDING' and command.valid_until > ${now}
        and ${CLAIMABLE.lapsed} and ${isReachable(process.id)})
    order by order_no limit ${LIMITS.ordersPerSweep}`.execute(database);
  return rows.map((row) => row.order_no);
}
