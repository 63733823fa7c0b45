import { type Kysely, type Selectable, sql } from 'kysely';
import { LEASE_MS, SWEEP_ROWS } from '../limits.ts';
import type { OutboxTable, ParticipantTables } from '../tables.ts';

/** By the clock of the database, which is one for all processes. */
export function leaseEnd() {
  return sql`clock_timestamp() + ${sql.lit(LEASE_MS)} * interval '1 millisecond'`;
}

/**
 * The open rows that are `owner`'s: its own, whose lease is prolonged by this, and those whose process has not
 * prolonged theirs. No two processes are given one row. Events are not among them: their relay takes them in order.
 */
export async function claimOpen(db: Kysely<ParticipantTables>, owner: string): Promise<Selectable<OutboxTable>[]> {
  const { rows } = await sql<Selectable<OutboxTable>>`
    update outbox set leased_by = ${owner}::text, leased_until = ${leaseEnd()}
    where id in (
      select id from outbox where done_at is null and failed_at is null and kind <> 'event'
        and (leased_by = ${owner}::text or leased_until is null or leased_until < clock_timestamp())
      order by seq limit ${sql.lit(SWEEP_ROWS)} for update skip locked)
    returning *`.execute(db);
  return rows.sort((a, b) => Number(a.seq) - Number(b.seq));
}

/** Lets go what is still open: the process ends, and another takes it at its next sweep. */
export async function releaseOpen(db: Kysely<ParticipantTables>, owner: string): Promise<void> {
  await sql`update outbox set leased_until = clock_timestamp()
    where leased_by = ${owner}::text and done_at is null and failed_at is null`.execute(db);
}
