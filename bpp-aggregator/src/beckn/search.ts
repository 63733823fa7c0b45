import { decodeSearch, encodeCatalogue } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { FlexOffer } from '@flexder/protocol/flexibility/model.ts';
import type { InboundMessage } from '@flexder/runtime/participant/types.ts';
import { blocksOf, infeasibility } from '../catalogue/blocks.ts';
import type { Rooms, Work } from '../context.ts';
import { askConsumers } from '../enrolment/questions.ts';
import { usageOn } from '../orders/holds.ts';
import { eligibleFor, summariseExclusions } from '../portfolio/eligibility.ts';
import { answer, read } from './answer.ts';

/** What this aggregator has to sell for one need. Nothing to sell is an answer too: an empty catalogue. */
export function search(rooms: Rooms) {
  return async (work: Work, request: InboundMessage): Promise<void> => {
    const need = await read(work, request, decodeSearch);
    if (!need) return;
    const { config, fleet, context } = rooms;
    await rooms.refresh.feeder(work.db, need.feederId);
    const nowMs = context.grid.nowMs();
    const obstacle = !fleet.serves(need.feederId)
      ? `no devices on ${need.feederId}`
      : need.direction !== 'TURN_DOWN'
        ? 'devices here only turn down'
        : infeasibility(need.window, nowMs, config);
    let offers: FlexOffer[] = [];
    let decision = obstacle;
    if (obstacle === undefined) {
      const usageOf = await usageOn(work.db, need.feederId, need.window);
      const rules = rulesOf(rooms);
      const { eligible, excluded } = eligibleFor(fleet.onFeeder(need.feederId), usageOf, need.window, nowMs, rules);
      await askConsumers(work, rooms, excluded, need.window);
      offers = blocksOf(need.feederId, eligible, need.window, rooms.completed, config);
      decision = `${offers.length} blocks of ${eligible.length} devices; excluded: ${summariseExclusions(excluded) || 'none'}`;
    }
    await work.audit({
      event_type: 'catalogue.offered',
      transaction_id: request.body.context.transaction_id,
      event_id: need.eventId,
      feeder_id: need.feederId,
      counterparty_id: request.body.context.bap_id,
      requested_kw: need.requestedKw,
      decision: decision ?? '',
    });
    await answer(work, request, encodeCatalogue(config.providerId, config.name, offers));
  };
}

export function rulesOf({ config, programmes }: Rooms) {
  const telemetryMaxAgeMs = config.telemetryMaxAgeSeconds * 1000;
  return { telemetryMaxAgeMs, maxEventsPerDay: config.maxEventsPerDay, programmes };
}
