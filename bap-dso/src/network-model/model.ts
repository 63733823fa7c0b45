/** The network of a DSO as it decides by it. Powers are kW at the feeder. */
import type { DeviceType } from '@flexder/protocol/flexibility/model.ts';
import type { FeederPlace } from '../open-data/event-context.ts';
import type { Season } from './season.ts';

/** WGS 84, degrees. */
export interface Position {
  readonly latitude: number;
  readonly longitude: number;
}

/** What stands above feeders. */
export interface NetworkPlace {
  readonly placeId: string;
  readonly kind: 'gsp' | 'substation';
  readonly name: string;
  /** Null: not known. */
  readonly position: Position | null;
}

/** Ratings of a feeder in one season. */
export interface SeasonRating extends Season {
  /** Of the intact network: the feeder, or its transformers where they are less. */
  readonly normalKw: number;
  /** With the largest transformer out, neighbours' transfer included; null when no transformer is known. */
  readonly firmKw: number | null;
  /** Which of the two the feeder is run to. */
  readonly limitKw: number;
}

export interface NetworkFeeder {
  readonly feederId: string;
  readonly name: string;
  readonly releaseShare: number;
  /** kW of flow back through it; null when none is known. */
  readonly exportLimitKw: number | null;
  readonly limitBasis: 'normal' | 'firm';
  readonly ratings: readonly SeasonRating[];
  readonly transformerIds: readonly string[];
  /** Where its GSPs differ in group, that of the largest share. */
  readonly gspGroupId: string;
  readonly place: FeederPlace;
  readonly essentialLoads: { readonly count: number; readonly peakKw: number };
  /** The primary whose busbar it leaves; null where none is named. */
  readonly substationId: string | null;
  /** Where it is drawn, of its own and not of what hangs on it; null: not known. */
  readonly position: Position | null;
}

export interface NetworkLink {
  readonly fromId: string;
  readonly toId: string;
  /** Of the load of `toId`, what flows through `fromId`. */
  readonly share: number;
}

export interface NetworkDer {
  readonly derId: string;
  readonly msid: string;
  readonly exportMsid: string | null;
  readonly feederId: string;
  readonly gspId: string;
  readonly ratedKw: number;
  readonly aggregatorId: string | null;
  readonly type: DeviceType | null;
  /** Its meter is that of an essential load: no kW of it is counted on. */
  readonly essential: boolean;
}

export interface NetworkModel {
  readonly name: string;
  readonly licenceArea: string;
  /** GSP group of each GSP. */
  readonly gsps: ReadonlyMap<string, string>;
  readonly places: readonly NetworkPlace[];
  readonly feeders: ReadonlyMap<string, NetworkFeeder>;
  readonly links: readonly NetworkLink[];
  readonly ders: readonly NetworkDer[];
}
