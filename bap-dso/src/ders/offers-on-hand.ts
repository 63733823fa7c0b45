/** The latest catalogues, as far as they go: what could be bought now. In memory, since an old offer is none. */
import type { FlexOffer } from '@flexder/protocol/flexibility/model.ts';
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

interface Catalogue {
  readonly bppId: string;
  readonly feederIds: ReadonlySet<string>;
  readonly heardMs: number;
  readonly offers: readonly FlexOffer[];
}

export class OffersOnHand {
  /** The longest heard of first. */
  readonly #catalogues = new Map<string, Catalogue>();

  /** A catalogue that answers a search on `feederId`: it stands in place of the one that answered the search before. */
  note(feederId: string, bppId: string, offers: readonly FlexOffer[], heardMs: number): void {
    const key = `${bppId} ${feederId}`;
    this.#catalogues.delete(key);
    const kept = offers.filter(({ direction }) => direction === 'TURN_DOWN').slice(0, OFFERED_BLOCKS);
    const feederIds = new Set([feederId, ...kept.map((offer) => offer.feederId)]);
    this.#catalogues.set(key, { bppId, feederIds, heardMs, offers: kept });
    if (this.#catalogues.size > OFFERED_CATALOGUES)
      this.#catalogues.delete(this.#catalogues.keys().next().value as string);
  }

  /** kW by feeder, type and aggregator; of several catalogues that speak of a feeder the newest counts. Sorted. */
  onOffer(feederId?: string): OnOffer[] {
    const sums = new Map<string, OnOffer>();
    const told = new Set<string>();
    for (const { bppId, feederIds, heardMs, offers } of [...this.#catalogues.values()].reverse()) {
      const fresh = [...feederIds].filter((id) => !told.has(`${bppId} ${id}`));
      for (const id of fresh) told.add(`${bppId} ${id}`);
      for (const offer of offers) {
        if (!fresh.includes(offer.feederId) || (feederId !== undefined && offer.feederId !== feederId)) continue;
        const key = `${offer.feederId} ${offer.deviceType} ${bppId}`;
        const { kw = 0, blocks = 0 } = sums.get(key) ?? {};
        const { feederId: on, deviceType } = offer;
        const sum = Math.round((kw + offer.availableKw) * 1_000) / 1_000;
        sums.set(key, { feederId: on, deviceType, bppId, kw: sum, blocks: blocks + 1, heardMs });
      }
    }
    return [...sums.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  }

  /** On offer on a feeder, kW; null where no catalogue speaks of it. */
  kwOn(feederId: string, bppId?: string): number | null {
    const heard = [...this.#catalogues.values()].some(({ feederIds }) => feederIds.has(feederId));
    if (!heard) return null;
    const rows = this.onOffer(feederId).filter((row) => bppId === undefined || row.bppId === bppId);
    return Math.round(rows.reduce((sum, row) => sum + row.kw, 0) * 1_000) / 1_000;
  }
}
