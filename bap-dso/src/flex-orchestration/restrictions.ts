/** What a person has taken out of the rules' hands: an aggregator that is not asked, or dispatch as a whole. */
import type { Kysely } from 'kysely';
import type { BapTables, RestrictionTable } from '../tables.ts';

export type RestrictionKind = RestrictionTable['kind'];
/** Of a stop, which concerns everybody. */
export const EVERYBODY = '*';

/** In memory as in the table; changed with it. */
export class Restrictions {
  readonly #held = new Set<string>();

  async load(db: Kysely<BapTables>): Promise<void> {
    const rows = await db.selectFrom('restriction').select(['kind', 'subject']).execute();
    for (const { kind, subject } of rows) this.set(kind, subject, true);
  }

  set(kind: RestrictionKind, subject: string, holds: boolean): void {
    if (holds) this.#held.add(`${kind} ${subject}`);
    else this.#held.delete(`${kind} ${subject}`);
  }

  has(kind: RestrictionKind, subject: string): boolean {
    return this.#held.has(`${kind} ${subject}`);
  }

  get stopped(): boolean {
    return this.has('stop', EVERYBODY);
  }
}
