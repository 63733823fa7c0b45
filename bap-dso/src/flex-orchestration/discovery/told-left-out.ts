/** What aggregators say that they left out of their catalogues. Counts and rated kW; no device is named. */
import { addLeftOut, leftOutText } from '@flexder/protocol/flexibility/left-out.ts';
import type { LeftOut, LeftOutCount } from '@flexder/protocol/flexibility/model.ts';
import { LEFT_OUT_FEEDERS } from '../../limits.ts';

/** Of one aggregator on one feeder. */
export interface ToldLeftOut {
  readonly bppId: string;
  readonly feederId: string;
  readonly reasons: readonly LeftOutCount[];
}

/** By feeder, the one that was searched first; what several providers of an aggregator say of it added up. */
export function toldBy(bppId: string, leftOut: readonly LeftOut[], searchedFeederId: string | null): ToldLeftOut[] {
  const byFeeder = new Map<string, LeftOutCount[]>();
  for (const { feederId, reasons } of leftOut) byFeeder.set(feederId, [...(byFeeder.get(feederId) ?? []), ...reasons]);
  return [...byFeeder]
    .map(([feederId, reasons]) => ({ bppId, feederId, reasons: addLeftOut(reasons) }))
    .sort((a, b) => Number(b.feederId === searchedFeederId) - Number(a.feederId === searchedFeederId))
    .slice(0, LEFT_OUT_FEEDERS);
}

/** `a: 12 devices, 31 kW rated: offline 12 (31 kW)`; with the feeder where it is not the one of the event. */
export function toldText({ bppId, feederId, reasons }: ToldLeftOut, ofFeederId: string): string {
  return `${bppId}${feederId === ofFeederId ? '' : ` on ${feederId}`}: ${leftOutText(reasons)}`;
}
