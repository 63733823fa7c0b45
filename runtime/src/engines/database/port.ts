import type { Kysely, Migration } from 'kysely';

/**
 * Relational storage: PostgreSQL, in process (`pglite:`) or as a server (`postgres://`), same SQL.
 * Each subscriber has a schema and a role of its own and can read no other's tables.
 */
export interface DatabaseEngine {
  readonly kind: 'pglite' | 'postgres';
  /**
   * Opens the schema of `subscriber`, migrated forward to the newest of `migrations` (keys sort in order).
   * The returned query builder sees that schema only.
   */
  open<Tables>(subscriber: string, migrations: Record<string, Migration>): Promise<Kysely<Tables>>;
  close(): Promise<void>;
}
