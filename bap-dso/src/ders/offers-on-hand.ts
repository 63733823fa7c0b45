/** The latest catalogues, as far as they go: what could be bought now. In memory, since an old offer is none. */
import type { FlexOffer } from '@flexder/protocol/flexibility/model.ts';
import type { Catalogue } from '../flex-orchestration/discovery/gather.ts';
import type { ToldLeftOut } from '../flex-orchestration/discovery/told-left-out.ts';
import { OFFERED_BLOCKS, OFFERED_CATALOGUES } from '../limits.ts';

export interface OnOffer {
  readonly feederId: string;
  readonly bppId: string;
  readonly deviceType: FlexOffer['deviceType'];
  readonly kw: number;
  readonly blocks: number;
  /** When the catalogue came; wall time. */
  readonly heardMs: number;
}

/** What an aggregator left out on a feeder when it was last heard. */
export interface LeftOutOnHand extends ToldLeftOut {
  readonly heardMs: number;
}

interface Heard extends Catalogue {
  readonly bppId: string;
  readonly feederIds: ReadonlySet<string>;
  readonly heardMs: number;
}

export class OffersOnHand {
  /** The longest heard of first. */
  readonly #catalogues = new Map<string, Heard>();

  /** A catalogue that answers a search on `feederId`: it stands in place of the one that answered the search before. */
  note(feederId: string, bppId: string, { offers, leftOut }: Catalogue, heardMs: number): void {
    const key = `${bppId} ${feederId}`;
    this.#catalogues.delete(key);
    const kept = offers.filter(({ direction }) => direction === 'TURN_DOWN').slice(0, OFFERED_BLOCKS);
    const feederIds = new Set([feederId, ...[...kept, ...leftOut].map((one) => one.feederId)]);
    this.#catalogues.set(key, { bppId, feederIds, heardMs, offers: kept, leftOut });
    if (this.#catalogues.size > OFFERED_CATALOGUES)
      this.#catalogues.delete(this.#catalogues.keys().next().value as string);
  }

  /** kW by feeder, type and aggregator; of several catalogues that speak of a feeder the newest counts. Sorted. */
  onOffer(feederId?: string): OnOffer[] {
    const sums = new Map<string, OnOffer>();
    for (const { bppId, heardMs, offers, countsFor } of this.#newestFirst(feederId))
      for (const offer of offers) {
        if (!countsFor(offer.feederId)) continue;
        const key = `${offer.feederId} ${offer.deviceType} ${bppId}`;
        const { kw = 0, blocks = 0 } = sums.get(key) ?? {};
        const { feederId: on, deviceType } = offer;
        const sum = Math.round((kw + offer.availableKw) * 1_000) / 1_000;
        sums.set(key, { feederId: on, deviceType, bppId, kw: sum, blocks: blocks + 1, heardMs });
      }
    return [...sums.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  }

  /** By feeder and aggregator, by the catalogues that count. Sorted. */
  leftOut(feederId?: string): LeftOutOnHand[] {
    const rows = this.#newestFirst(feederId).flatMap(({ leftOut, heardMs, countsFor }) =>
      leftOut.filter((one) => countsFor(one.feederId)).map((one) => ({ ...one, heardMs })),
    );
    const keyOf = (row: LeftOutOnHand) => `${row.feederId} ${row.bppId}`;
    return rows.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }

  /** Each with the feeders it counts for: those that no newer one of its aggregator speaks of, or of them `feederId` alone. */
  #newestFirst(feederId?: string): (Heard & { countsFor(feederId: string): boolean })[] {
    const told = new Set<string>();
    return [...this.#catalogues.values()].reverse().map((heard) => {
      const fresh = new Set([...heard.feederIds].filter((id) => !told.has(`${heard.bppId} ${id}`)));
      for (const id of fresh) told.add(`${heard.bppId} ${id}`);
      return { ...heard, countsFor: (id) => fresh.has(id) && (feederId === undefined || feederId === id) };
    });
  }

  /** On offer on a feeder, kW; null where no catalogue speaks of it. */
  kwOn(feederId: string, bppId?: string): number | null {
    const heard = [...this.#catalogues.values()].some(({ feederIds }) => feederIds.has(feederId));
    if (!heard) return null;
    const rows = this.onOffer(feederId).filter((row) => bppId === undefined || row.bppId === bppId);
    return Math.round(rows.reduce((sum, row) => sum + row.kw, 0) * 1_000) / 1_000;
  }
}
