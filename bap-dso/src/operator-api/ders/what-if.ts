/** What a feeder could have without a device or an aggregator, from the offers on hand. Powers kW. */
import type { Kysely } from 'kysely';
import type { OffersOnHand } from '../../ders/offers-on-hand.ts';
import type { BapTables } from '../../tables.ts';

export interface WhatIf {
  readonly feederId: string;
  /** On offer by the latest catalogues, and what is left of it. */
  readonly withKw: number;
  readonly withoutKw: number;
  /** Of the latest event there; null before the first. */
  readonly lastNeedKw: number | null;
}

const round = (kw: number) => Math.round(kw * 1_000) / 1_000;
/** As the page shows it. */
const shown = (kw: number) => Math.round(kw * 10) / 10;

/** Without `kw` of one feeder; undefined where no catalogue speaks of it, or the kW are not known. */
export async function whatIfWithout(
  db: Kysely<BapTables>,
  offers: OffersOnHand,
  feederId: string,
  kw: number | null,
): Promise<WhatIf | undefined> {
  const withKw = offers.kwOn(feederId);
  if (withKw === null || kw === null) return undefined;
  const withoutKw = round(Math.max(0, withKw - kw));
  return { feederId, withKw, withoutKw, lastNeedKw: (await lastNeeds(db, [feederId])).get(feederId) ?? null };
}

/** Without an aggregator, on every feeder where it offers something. */
export async function whatIfWithoutBpp(db: Kysely<BapTables>, offers: OffersOnHand, bppId: string): Promise<WhatIf[]> {
  const rows = offers.onOffer();
  const feederIds = [...new Set(rows.filter((row) => row.bppId === bppId).map(({ feederId }) => feederId))];
  const needs = await lastNeeds(db, feederIds);
  return feederIds.map((feederId) => {
    const here = rows.filter((row) => row.feederId === feederId);
    const sum = (some: typeof here) => round(some.reduce((total, { kw }) => total + kw, 0));
    const withoutKw = sum(here.filter((row) => row.bppId !== bppId));
    return { feederId, withKw: sum(here), withoutKw, lastNeedKw: needs.get(feederId) ?? null };
  });
}

/** kW that the latest event of each feeder asked for. */
export async function lastNeeds(
  db: Kysely<BapTables>,
  feederIds: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  if (feederIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('overload')
    .distinctOn('feeder_id')
    .select(['feeder_id', 'requested_kw'])
    .where('feeder_id', 'in', feederIds)
    .orderBy('feeder_id')
    .orderBy('detected_at', 'desc')
    .execute();
  return new Map(rows.map(({ feeder_id, requested_kw }) => [feeder_id, requested_kw]));
}

const isShort = ({ withKw, withoutKw, lastNeedKw }: WhatIf) =>
  lastNeedKw !== null && withoutKw < lastNeedKw && withKw >= lastNeedKw;

/** `without it 212 of 230 kW are on offer on feeder-1, the last need there was 190 kW`. */
export function whatIfText(one: WhatIf): string {
  const { feederId, withKw, withoutKw, lastNeedKw } = one;
  const need =
    lastNeedKw === null ? 'no event has asked for any yet' : `the last need there was ${shown(lastNeedKw)} kW`;
  return `without it ${shown(withoutKw)} of ${shown(withKw)} kW are on offer on ${feederId}, ${need}${isShort(one) ? ', which would not be met' : ''}`;
}

/** Of many feeders the one that would be hit hardest, and how many would not have what they needed last. */
export function whatIfTexts(all: readonly WhatIf[]): string | undefined {
  const left = ({ withoutKw, lastNeedKw }: WhatIf) => withoutKw - (lastNeedKw ?? 0);
  const [worst] = all.toSorted((a, b) => Number(isShort(b)) - Number(isShort(a)) || left(a) - left(b));
  if (!worst) return undefined;
  const short = all.filter(isShort).length;
  const others = all.length > 1 ? `; of ${all.length} feeders ${short} would lack what they needed last` : '';
  return `${whatIfText(worst)}${others}`;
}
