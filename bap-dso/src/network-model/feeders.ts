/** Feeders of the model as the DSO's configuration has them, and their limits at a moment of grid time. */
import type { FeederConfig } from '../config.ts';
import type { NetworkModel } from './model.ts';
import { isWithin, monthDayOf } from './season.ts';

/** What a feeder may carry, kW; firm and normal rating where a network model says them. */
export interface LimitsAt {
  readonly limitKw: number;
  readonly releaseKw: number;
  readonly season?: string;
  readonly normalKw?: number;
  /** With the largest transformer out; null when none is known. */
  readonly firmKw?: number | null;
  /** Limit of the intact feeder, while a transformer that is out lowers it. */
  readonly intactKw?: number;
}

/** @param atMs grid time */
export function limitsAt(feeder: Pick<FeederConfig, 'limitKw' | 'releaseShare' | 'ratings'>, atMs: number): LimitsAt {
  const { limitKw, releaseShare, ratings } = feeder;
  const monthDay = ratings.length === 0 ? '' : monthDayOf(atMs);
  const rating = ratings.find((one) => isWithin(one, monthDay));
  if (!rating) return { limitKw, releaseKw: limitKw * releaseShare };
  return {
    limitKw: rating.limitKw,
    releaseKw: rating.limitKw * releaseShare,
    season: rating.season,
    normalKw: rating.normalKw,
    firmKw: rating.firmKw,
  };
}

/** With a transformer out: what is left with the largest one out, where the network model says it. */
export function limitsWithOutage(limits: LimitsAt): LimitsAt {
  const { firmKw, limitKw, releaseKw } = limits;
  if (firmKw == null || firmKw >= limitKw || firmKw <= 0) return limits;
  return { ...limits, limitKw: firmKw, releaseKw: firmKw * (releaseKw / limitKw), intactKw: limitKw };
}

/** Upstream of a feeder the one that most of its load flows through. */
function substationOf({ links }: NetworkModel, feederId: string): string | undefined {
  const [largest] = links.filter(({ toId }) => toId === feederId).sort((a, b) => b.share - a.share);
  return largest?.fromId;
}

/** What stands in place of a list of feeders in the configuration. */
export function feedersOf(model: NetworkModel): FeederConfig[] {
  return [...model.feeders.values()].map((feeder) => ({
    feederId: feeder.feederId,
    name: feeder.name,
    // The seasons have every day; the least of them stands where one limit is asked for.
    limitKw: Math.min(...feeder.ratings.map((rating) => rating.limitKw)),
    releaseShare: feeder.releaseShare,
    ...(feeder.exportLimitKw === null ? {} : { exportLimitKw: feeder.exportLimitKw }),
    gspGroupId: feeder.gspGroupId,
    licenceArea: model.licenceArea,
    ratings: [...feeder.ratings],
    substationId: feeder.substationId ?? substationOf(model, feeder.feederId),
  }));
}
