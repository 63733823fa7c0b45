import { type Kysely, type Migration, sql } from 'kysely';

/** A monitor's tables are named after its id alone. */
export const ownerMigration: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`create table monitor_owner (only_one boolean primary key check (only_one), dso_id text not null)`.execute(
      db,
    );
  },
};

/** Whoever comes first has the tables; throws for another DSO whose monitor has the same id in the same database. */
export async function ownTables(db: Kysely<unknown>, monitorId: string, dsoId: string): Promise<void> {
  await sql`insert into monitor_owner values (true, ${dsoId}) on conflict do nothing`.execute(db);
  const { rows } = await sql<{ dso_id: string }>`select dso_id from monitor_owner`.execute(db);
  if (rows[0]?.dso_id === dsoId) return;
  throw new Error(
    `the tables of monitor ${monitorId} in this database are those of another DSO: give one of the two monitors another id, or a database of its own`,
  );
}
