import { type Kysely, type Migration, Migrator } from 'kysely';

/** `db` once the schema `name` has every migration. Throws an error that names the subscriber and the migration. */
export async function migrated<Tables>(
  db: Kysely<Tables>,
  name: string,
  subscriber: string,
  migrations: Record<string, Migration>,
): Promise<Kysely<Tables>> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => migrations },
    migrationTableSchema: name,
    // The participant's and the service's own each have their order; which of the two grew first is no matter.
    allowUnorderedMigrations: true,
  });
  const { error, results } = await migrator.migrateToLatest();
  if (error === undefined) return db;
  const failed = results?.find((result) => result.status === 'Error')?.migrationName;
  throw new Error(
    `the tables of ${subscriber} cannot be migrated${failed ? `, at ${failed}` : ''}: ${error instanceof Error ? error.message : String(error)}`,
    { cause: error },
  );
}
