/** What a person has taken out of the rules' hands: an aggregator or a device that is not asked, or dispatch as a whole. */
import type { Kysely } from 'kysely';
import type { BapTables, RestrictionTable } from '../../tables.ts';

export type RestrictionKind = Exclude<RestrictionTable['kind'], 'exclude-der'>;
/** Of a stop, which concerns everybody. */
export const EVERYBODY = '*';
/** Of a device whose aggregator is not known: every aggregator of its feeder is told. */
export const ANY_BPP = '';

/** A device as the DSO knows it. */
export interface KnownDer {
  readonly derId: string;
  readonly bppId: string | typeof ANY_BPP;
  readonly feederId: string;
}

/** In memory as in the table; changed with it. */
export class Restrictions {
  readonly #held = new Set<string>();
  /** By feeder, then by aggregator and id. */
  readonly #ders = new Map<string, Map<string, KnownDer>>();

  async load(db: Kysely<BapTables>): Promise<void> {
    const rows = await db.selectFrom('restriction').select(['kind', 'subject', 'bpp_id', 'feeder_id']).execute();
    for (const { kind, subject, bpp_id, feeder_id } of rows)
      if (kind !== 'exclude-der') this.set(kind, subject, true);
      else if (feeder_id !== null) this.setDer({ derId: subject, bppId: bpp_id, feederId: feeder_id }, true);
  }

  set(kind: RestrictionKind, subject: string, holds: boolean): void {
    if (holds) this.#held.add(`${kind} ${subject}`);
    else this.#held.delete(`${kind} ${subject}`);
  }

  has(kind: RestrictionKind, subject: string): boolean {
    return this.#held.has(`${kind} ${subject}`);
  }

  setDer(der: KnownDer, holds: boolean): void {
    const known = this.#ders.get(der.feederId) ?? new Map<string, KnownDer>();
    if (holds) known.set(`${der.bppId} ${der.derId}`, der);
    else for (const bppId of [der.bppId, ANY_BPP]) known.delete(`${bppId} ${der.derId}`);
    if (known.size > 0) this.#ders.set(der.feederId, known);
    else this.#ders.delete(der.feederId);
  }

  /** Excluded on a feeder, whoever has them. */
  dersOn(feederId: string): readonly KnownDer[] {
    return [...(this.#ders.get(feederId)?.values() ?? [])];
  }

  /** Ids that every request to this aggregator for this feeder carries: its own, and those of nobody known. Sorted. */
  excludedDers(feederId: string, bppId: string): readonly string[] {
    const own = this.dersOn(feederId).filter((one) => one.bppId === bppId || one.bppId === ANY_BPP);
    return [...new Set(own.map(({ derId }) => derId))].sort();
  }

  get excludedDerCount(): number {
    return [...this.#ders.values()].reduce((sum, ders) => sum + ders.size, 0);
  }

  get stopped(): boolean {
    return this.has('stop', EVERYBODY);
  }
}
