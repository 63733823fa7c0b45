import { type QueryExecutorProvider, sql } from 'kysely';

/**
 * Waits until no other transaction of this subscriber, in any process, holds the lock `name`; holds it to the end of
 * this one. For what is read and then written, where no row stands for it. The wait is bounded as any statement is.
 */
export async function lockForTransaction(trx: QueryExecutorProvider, name: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtext(current_schema()), hashtext(${name}))`.execute(trx);
}
