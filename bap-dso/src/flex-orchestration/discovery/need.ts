/** What is asked of the market, and the search that asks it. */
import type { SubscriberId, TransactionId } from '@flexder/protocol/beckn/identifiers.ts';
import { encodeSearch } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { FlexNeed, TimeWindow } from '@flexder/protocol/flexibility/model.ts';
import { SEARCH_AGAIN_PATIENCE } from '../../limits.ts';
import type { Desk, Work } from '../desk.ts';
import type { OpenEvent, Purchase } from '../events/event.ts';
import { wholeSecond } from '../events/window.ts';

/** How long the first catalogue is waited for. */
export function answersWithinMs({ config }: Desk, { searchedAgain }: Purchase): number {
  return config.gatherOverallMs * (searchedAgain ? SEARCH_AGAIN_PATIENCE : 1);
}

/** Asked for somewhat longer than needed, so that the orders can be let go one after the other. */
export async function search(
  desk: Desk,
  work: Work,
  event: OpenEvent,
  purchase: Purchase,
  needKw: number,
  transactionId: TransactionId,
  to: readonly SubscriberId[],
  toType: 'BG' | 'BPP',
): Promise<void> {
  await work.db
    .insertInto('flex_search')
    .values({
      transaction_id: transactionId,
      event_id: event.eventId,
      purpose: purchase.purpose,
      requested_kw: needKw,
      sent_wall_at: new Date(desk.context.wall.nowMs()),
    })
    .execute();
  const { startMs, endMs } = windowOf(desk, purchase);
  const spread = { startMs, endMs: endMs + 2 * desk.config.releaseStaggerSeconds * 1_000 };
  const message = encodeSearch({ ...needOf(desk, event, purchase, needKw), window: spread });
  const names = { event_id: event.eventId, feeder_id: event.feederId, requested_kw: needKw };
  for (const one of to) {
    await work.send({
      action: 'search',
      to: one,
      toType,
      transactionId,
      ttlMs: answersWithinMs(desk, purchase),
      message,
      audit: names,
    });
  }
}

export function needOf(desk: Desk, event: OpenEvent, purchase: Purchase, needKw: number): FlexNeed {
  return {
    eventId: event.eventId,
    feederId: event.feederId,
    direction: 'TURN_DOWN',
    requestedKw: Math.ceil(needKw * 1_000) / 1_000,
    window: windowOf(desk, purchase),
    maxPriceGbpPerKwh: maxPriceOf(desk, event),
    minReliability: desk.config.minReliability,
    maxResponseSeconds: desk.config.maxResponseSeconds,
    interventionClass: event.interventionClass,
  };
}

function maxPriceOf({ config }: Desk, { interventionClass }: OpenEvent): number {
  const { maxPriceGbpPerKwh, emergencyMaxPriceGbpPerKwh = maxPriceGbpPerKwh } = config;
  return interventionClass === 'EMERGENCY' ? emergencyMaxPriceGbpPerKwh : maxPriceGbpPerKwh;
}

/** Time passes while a need is bought: no BPP is asked for a window that has begun when the message arrives. */
function windowOf({ context, config }: Desk, { window }: Purchase): TimeWindow {
  const soonMs = wholeSecond(context.grid.nowMs() + config.activationLeadSeconds * 1_000);
  return { startMs: Math.min(Math.max(window.startMs, soonMs), window.endMs - 1_000), endMs: window.endMs };
}
