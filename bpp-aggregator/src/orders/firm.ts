import type { FlexQuote, FlexSelection } from '@flexder/protocol/flexibility/model.ts';
import { parseItemId } from '../catalogue/item-id.ts';
import type { Rooms, Work } from '../context.ts';
import { LIMITS } from '../limits.ts';
import type { FleetDer } from '../portfolio/der.ts';
import { allocate, type Pick } from './allocation.ts';
import { hold } from './holds.ts';
import { floorToStep } from './quantity.ts';

type Held = Pick & { readonly itemId: string };

/** Holds real devices for a selection and returns the kW that can be promised for each item; items without any are left out. */
export async function makeFirm(
  work: Work,
  rooms: Rooms,
  orderNo: number,
  selection: FlexSelection,
  eligible: readonly FleetDer[],
): Promise<FlexQuote['items']> {
  const { config } = rooms;
  const tried = new Set<number>();
  const held: Held[] = [];
  const expectedOf = (itemId: string) =>
    held.filter((pick) => pick.itemId === itemId).reduce((sum, pick) => sum + pick.expectedKw, 0);
  for (let round = 0; round < LIMITS.holdRounds; round++) {
    const wanted = selection.items.flatMap(({ itemId, kw }): Held[] => {
      const candidates = eligible.filter((der) => der.type === parseItemId(itemId)?.type && !tried.has(der.derNo));
      const missingKw = kw * config.quoteShare - expectedOf(itemId);
      if (missingKw <= 0) return [];
      const room = LIMITS.maxDersPerOrder - held.length;
      return allocate(itemId, missingKw, candidates, config.stepKw, room).picks.map((pick) => ({ ...pick, itemId }));
    });
    for (const pick of wanted) tried.add(pick.der.derNo);
    const got = await hold(work.db, orderNo, wanted, selection.window);
    held.push(...wanted.filter((pick) => got.has(pick.der.derNo)));
    if (got.size === wanted.length) break;
  }
  return selection.items.flatMap(({ itemId, kw }) => {
    const firmKw = floorToStep(Math.min(kw * config.quoteShare, expectedOf(itemId)), config.stepKw);
    const type = parseItemId(itemId)?.type;
    if (type === undefined || firmKw <= 0 || firmKw < Math.min(kw, config.minimumKw)) return [];
    return [{ itemId, kw: firmKw, priceGbpPerKwh: config.priceGbpPerKwh[type] }];
  });
}

/** Price of the whole window at the quoted power, pounds and pence. */
export function quoteOf(
  quoteId: string,
  items: FlexQuote['items'],
  window: FlexSelection['window'],
  validUntilMs: number,
): FlexQuote {
  const hours = (window.endMs - window.startMs) / 3_600_000;
  const total = items.reduce((sum, item) => sum + item.kw * item.priceGbpPerKwh * hours, 0);
  const totalKw = items.reduce((sum, item) => sum + item.kw, 0);
  return {
    quoteId,
    items,
    totalKw: Math.round(totalKw * 1000) / 1000,
    totalGbp: Math.round(total * 100) / 100,
    validUntilMs,
  };
}
