import type { TimeWindow } from '@flexder/protocol/flexibility/model.ts';
import type { Context } from '@flexder/runtime/context.ts';
import type { OpenParticipant } from '@flexder/runtime/participant/open.ts';
import type { BapConfig } from '../config.ts';
import type { OffersOnHand } from '../ders/offers-on-hand.ts';
import type { ByHand } from '../flex-orchestration/decisions/by-hand.ts';
import type { KnownDer, RestrictionKind } from '../flex-orchestration/decisions/restrictions.ts';
import type { OptionName } from '../flex-orchestration/planning/options.ts';
import type { OpenData } from '../open-data/open.ts';
import type { BapTables } from '../tables.ts';

/** A feeder as the operator sees it now; powers kW, instants grid time. */
export interface FeederView {
  readonly feederId: string;
  readonly name: string;
  readonly limitKw: number;
  readonly releaseKw: number;
  /** Of the present season, where there is a network model: intact, and with the largest transformer out. */
  readonly season?: string;
  readonly normalKw?: number | null;
  readonly firmKw?: number | null;
  readonly powerKw: number | null;
  readonly at: number | null;
  readonly quality: string;
  readonly forecast: readonly {
    readonly atMs: number;
    readonly powerKw: number;
    readonly lowKw: number;
    readonly highKw: number;
  }[];
  readonly forecastBasis?: {
    readonly model: string;
    readonly version: string | null;
    readonly fittedAtMs: number | null;
    readonly used: readonly string[];
  };
  readonly state: string;
  /** What Grid Monitoring finds wrong with it beside its load, each with its rule. */
  readonly anomalies?: readonly {
    readonly kind: string;
    /** Grid time. */
    readonly sinceMs: number;
    readonly text: string;
    readonly ruleId: string;
    readonly ruleVersion: string;
    readonly inputs: Readonly<Record<string, string | number | null>>;
    /** The message that showed it; null where none did, as of a silence. */
    readonly source: { readonly topic: string; readonly sha256: string } | null;
    /** Of what concerns the whole substation that feeds it; then it is with each of its feeders. */
    readonly substationId?: string;
  }[];
}

/** What a person may do; each resolves when it is done, and throws TooLateError when there is nothing left to do. */
export interface Hands {
  changeOrder(
    obpId: string,
    wanted: { readonly kw?: number; readonly window?: TimeWindow },
    hand: ByHand,
  ): Promise<{ readonly changeId: string }>;
  cancelOrder(obpId: string, hand: ByHand): Promise<{ readonly state: string }>;
  /** null declines relief. */
  decide(eventId: string, option: OptionName | null, hand: ByHand): Promise<void>;
  buy(eventId: string, wanted: { readonly kw: number; readonly emergency: boolean }, hand: ByHand): Promise<void>;
  release(eventId: string, hand: ByHand): Promise<void>;
  ask(obpId: string, what: 'track' | 'support', hand: ByHand): Promise<void>;
  restrict(kind: RestrictionKind, subject: string, holds: boolean, hand: ByHand): Promise<void>;
  restrictDer(der: KnownDer, holds: boolean, hand: ByHand): Promise<void>;
  /** Why no further device can be excluded. */
  noRoomFor(der: KnownDer): string | undefined;
}

export interface OperatorApiDeps {
  readonly context: Context;
  readonly participant: OpenParticipant<BapTables>;
  readonly config: BapConfig;
  feeders(): FeederView[];
  /** Absent where nothing can be done by hand. */
  readonly hands?: Hands;
  /** What could be bought now; absent where nothing is bought. */
  readonly offers?: OffersOnHand;
  /** Absent while open data are off. */
  readonly openData?: Pick<OpenData, 'statuses'> | undefined;
}
