import { decodeSearch, encodeCatalogue } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { FlexNeed, FlexOffer, LeftOut } from '@flexder/protocol/flexibility/model.ts';
import type { InboundMessage } from '@flexder/runtime/participant/types.ts';
import { blocksOf, infeasibility, type Obstacle } from '../catalogue/blocks.ts';
import { leftOutOf } from '../catalogue/left-out.ts';
import type { Rooms, Work } from '../context.ts';
import { askConsumers } from '../enrolment/questions.ts';
import { usageOn } from '../orders/holds.ts';
import { eligibleFor, summariseExclusions } from '../portfolio/eligibility.ts';
import { answer, read } from './answer.ts';

/** What this aggregator has to sell for one need, and why the rest is not. Nothing to sell is an answer, too. */
export function search(rooms: Rooms) {
  return async (work: Work, request: InboundMessage): Promise<void> => {
    const need = await read(work, request, decodeSearch);
    if (!need) return;
    const { config } = rooms;
    await rooms.refresh.feeder(work.db, need.feederId);
    const { offers, leftOut, decision } = await findOffers(work, rooms, need);
    await work.audit({
      event_type: 'catalogue.offered',
      transaction_id: request.body.context.transaction_id,
      event_id: need.eventId,
      feeder_id: need.feederId,
      counterparty_id: request.body.context.bap_id,
      requested_kw: need.requestedKw,
      decision,
    });
    await answer(work, request, encodeCatalogue(config.providerId, config.name, offers, leftOut));
  };
}

interface Found {
  readonly offers: readonly FlexOffer[];
  readonly leftOut: readonly LeftOut[];
  /** As the record says it. */
  readonly decision: string;
}

function obstacleTo(need: FlexNeed, { config, context }: Rooms): Obstacle | undefined {
  if (need.direction !== 'TURN_DOWN') return { reason: 'other-direction', text: 'devices here only turn down' };
  return infeasibility(need.window, context.grid.nowMs(), config);
}

async function findOffers(work: Work, rooms: Rooms, need: FlexNeed): Promise<Found> {
  const { config, fleet, context } = rooms;
  const { feederId, window } = need;
  if (!fleet.serves(feederId)) return { offers: [], leftOut: [], decision: `no devices on ${feederId}` };
  const ders = fleet.onFeeder(feederId);
  const obstacle = obstacleTo(need, rooms);
  if (obstacle)
    return {
      ...{ offers: [], decision: obstacle.text },
      leftOut: [leftOutOf(feederId, window, ders, () => obstacle.reason)],
    };
  const usageOf = await usageOn(work.db, feederId, window);
  const { eligible, excluded } = eligibleFor(ders, usageOf, window, context.grid.nowMs(), rulesOf(rooms));
  await askConsumers(work, rooms, excluded, window);
  const offers = blocksOf(feederId, eligible, window, rooms.completed, config);
  const reasons = new Map(excluded.map(({ derId, reason }) => [derId, reason]));
  const offered = new Set(offers.map(({ deviceType }) => deviceType));
  const leftOut = leftOutOf(
    feederId,
    window,
    ders,
    ({ derId, type }) => reasons.get(derId) ?? (offered.has(type) ? undefined : 'below-minimum'),
  );
  const decision = `${offers.length} blocks of ${eligible.length} devices; excluded: ${summariseExclusions(excluded) || 'none'}`;
  return { offers, leftOut: [leftOut], decision };
}

export function rulesOf({ config, programmes }: Rooms) {
  const telemetryMaxAgeMs = config.telemetryMaxAgeSeconds * 1000;
  return { telemetryMaxAgeMs, maxEventsPerDay: config.maxEventsPerDay, programmes };
}
