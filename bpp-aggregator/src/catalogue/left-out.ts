/** What a catalogue does not offer of a feeder, as the DSO is told: how many devices, what they are rated for, and why. */
import type { FeederId } from '@flexder/protocol/beckn/identifiers.ts';
import { addLeftOut, type LeftOutReason } from '@flexder/protocol/flexibility/left-out.ts';
import type { LeftOut, TimeWindow } from '@flexder/protocol/flexibility/model.ts';
import type { FleetDer } from '../portfolio/der.ts';
import { fulfillmentIdOf } from './item-id.ts';

/** @param reasonOf why a device of the feeder is not behind an offer; undefined for one that is */
export function leftOutOf(
  feederId: FeederId,
  window: TimeWindow,
  ders: readonly FleetDer[],
  reasonOf: (der: FleetDer) => LeftOutReason | undefined,
): LeftOut {
  const counts = ders.flatMap((der) => {
    const reason = reasonOf(der);
    return reason === undefined ? [] : [{ reason, devices: 1, ratedKw: der.ratedKw }];
  });
  return { feederId, fulfillmentId: fulfillmentIdOf(feederId), window, reasons: addLeftOut(counts) };
}
