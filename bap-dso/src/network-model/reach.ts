/**
 * What of a kW of relief at one place is felt at a feeder. A place that the feeder feeds counts by the share of its
 * load that flows through the feeder; a GSP stands for the devices behind it, so it counts by where those hang.
 */
import { groupBy } from './group.ts';
import { REACHES_KEPT } from './limits.ts';
import type { NetworkDer, NetworkModel } from './model.ts';

/** 0 to 1. @param aggregatorId whose devices an offer at a GSP is made of, where the model knows any of them */
export type Reach = (aggregatorId: string, locationId: string, feederId: string) => number;

export function createReach(model: NetworkModel): Reach {
  const into = groupBy(model.links, (link) => link.toId);
  const shares = new Map<string, number>();
  const reaches = new Map<string, number>();

  /** Of the load of `placeId`, what flows through `throughId`. The links have no circle. */
  function flow(throughId: string, placeId: string): number {
    if (throughId === placeId) return 1;
    const key = `${throughId} ${placeId}`;
    const known = shares.get(key);
    if (known !== undefined) return known;
    const share = (into.get(placeId) ?? []).reduce((sum, link) => sum + link.share * flow(throughId, link.fromId), 0);
    remember(shares, key, share);
    return share;
  }

  function ofGsp(aggregatorId: string, gspId: string, feederId: string): number {
    const counted = model.ders.filter((der) => !der.essential && flow(gspId, der.feederId) > 0);
    const own = counted.filter((der) => der.aggregatorId === aggregatorId);
    const weigh = (der: NetworkDer) => der.ratedKw * flow(gspId, der.feederId);
    const ders = own.length > 0 ? own : counted;
    const all = ders.reduce((sum, der) => sum + weigh(der), 0);
    if (all === 0) return 0;
    return ders.reduce((sum, der) => sum + weigh(der) * flow(feederId, der.feederId), 0) / all;
  }

  return (aggregatorId, locationId, feederId) => {
    if (locationId === feederId) return 1;
    const key = `${aggregatorId} ${locationId} ${feederId}`;
    const known = reaches.get(key);
    if (known !== undefined) return known;
    const reach = model.gsps.has(locationId)
      ? ofGsp(aggregatorId, locationId, feederId)
      : model.feeders.has(locationId)
        ? flow(feederId, locationId)
        : 0;
    remember(reaches, key, Math.min(1, reach));
    return Math.min(1, reach);
  };
}

function remember(map: Map<string, number>, key: string, value: number): void {
  if (map.size >= REACHES_KEPT) map.clear();
  map.set(key, value);
}
