import type { Kysely } from 'kysely';
import { LIMITS } from '../limits.ts';
import type { AggregatorTables } from '../tables.ts';
import type { Programme } from './document.ts';

/** The published programmes in memory: every search looks at them. Bounded; they never change, there are only more. */
export class Programmes implements Pick<ReadonlyMap<string, Programme>, 'get' | 'has'> {
  #known = new Map<string, Programme>();

  get(programmeId: string): Programme | undefined {
    return this.#known.get(programmeId);
  }

  has(programmeId: string): boolean {
    return this.#known.has(programmeId);
  }

  all(): Programme[] {
    return [...this.#known.values()];
  }

  async load(db: Kysely<AggregatorTables>): Promise<void> {
    const rows = await db
      .selectFrom('programme')
      .select('programme')
      .orderBy('published_wall_at')
      .orderBy('programme_id')
      .limit(LIMITS.maxProgrammes)
      .execute();
    this.#known = new Map(rows.map((row) => [row.programme.programmeId, row.programme]));
  }
}
