/** An open event in memory: what its row says, and what is under way. The row is the truth; this is rebuilt from it. */
import type { EventId, FeederId } from '@flexder/protocol/beckn/identifiers.ts';
import type { FlexOffer, InterventionClass, TimeWindow } from '@flexder/protocol/flexibility/model.ts';
import type { BapTables } from '../../tables.ts';

export type OverloadState = BapTables['overload']['state'];

/** Offers that stand behind the orders of a plan. */
export interface Tier {
  readonly tier: 1 | 2;
  readonly planNo: number;
  state: BapTables['fallback_tier']['state'];
  readonly offers: readonly FlexOffer[];
  readonly gapKw: number;
  readonly expectedKw: number;
  readonly costGbpPerHour: number;
  /** Grid time. */
  readonly madeAtMs: number;
}

/** One need on its way: searched, planned, ordered, and planned again for what is missing. */
export interface Purchase {
  readonly purpose: 'need' | 'top-up' | 'resume';
  readonly isTopUp: boolean;
  needKw: number;
  readonly window: TimeWindow;
  /** When the sample that led here was received, wall time. */
  readonly triggerWallMs: number;
  /** Its orders, and those of other events that were planned with it and that it counts on. */
  readonly obpIds: Set<string>;
  /** What is left of the catalogues; undefined until there was a search. */
  offers: FlexOffer[] | undefined;
  transactionId: string | undefined;
  /** BPPs that have an order under `transactionId`. */
  readonly placedUnder: Set<string>;
  /** BPPs that gave less than asked, or nothing. */
  readonly declined: Set<string>;
  replans: number;
  /** Nobody answered its search, and it was made once more. */
  searchedAgain: boolean;
  /** Nothing more is to be had for it. */
  spent: boolean;
  /** The decision it waits for. */
  asked: string | undefined;
  /** Somebody chose what is bought: nobody is asked again. */
  decided: boolean;
  /** It makes good what these aggregators did not keep: tiers of fallback are for it. */
  readonly failed: ReadonlySet<string> | undefined;
  /** Its offers are those of that tier. */
  tier: 1 | 2 | undefined;
}

export interface OpenEvent {
  readonly eventId: EventId;
  readonly feederId: FeederId;
  readonly limitKw: number;
  readonly releaseKw: number;
  readonly requestedKw: number;
  readonly detectedBy: 'measured' | 'forecast';
  /** EMERGENCY once it was escalated. */
  interventionClass: InterventionClass;
  /** kW of relief that are aimed at: what was asked for, or what a person chose. */
  targetKw: number;
  /** A top-up near its end prolongs it. */
  window: TimeWindow;
  state: OverloadState;
  purchase: Purchase | undefined;
  topUps: number;
  /** What the load would be without relief: the operational baseline, fixed once the window has begun. */
  baselineKw: number;
  baselineFixed: boolean;
  committedKw: number;
  /** From this instant (grid time) the relief is judged; null while nothing is due. */
  dueAtMs: number | null;
  /** The relief was due once: from here on the peak counts. */
  peakFromMs: number | null;
  peakKw: number | null;
  /** Peak not yet in the row. */
  peakDirty: boolean;
  measuredKw: number | null;
  /** A judgement is on its way into the database. */
  judging: boolean;
  exhausted: boolean;
  /** Orders of other events whose relief it counts on, with the event of each. */
  readonly lent: Map<string, string>;
  /** What stands behind its orders, in order. */
  tiers: readonly Tier[];
  plans: number;
  /** From this instant (grid time) devices that have not answered count as missing; null while nothing is due. */
  answersDueMs: number | null;
  /** Its orders were last changed by rule; grid time. */
  changedAtMs: number | null;
  /** A person said that nothing (more) is bought by rule. */
  handsOff: boolean;
  /** Orders whose loss or acknowledgement has been dealt with. */
  readonly handled: Set<string>;
  /** The last end of window of its orders, grid time. */
  endMs: number;
  cancelTimers: (() => void)[];
  /** Work on an event runs one piece after the other. */
  turn: Promise<void>;
}

export interface EventSeed {
  readonly eventId: EventId;
  readonly feederId: FeederId;
  readonly limitKw: number;
  readonly releaseKw: number;
  readonly requestedKw: number;
  readonly detectedBy: 'measured' | 'forecast';
  readonly interventionClass: InterventionClass;
  readonly window: TimeWindow;
  readonly state: OverloadState;
  readonly baselineKw: number;
  readonly baselineFixed: boolean;
}

export function openEvent(seed: EventSeed): OpenEvent {
  return {
    ...seed,
    targetKw: seed.requestedKw,
    purchase: undefined,
    topUps: 0,
    committedKw: 0,
    dueAtMs: null,
    peakFromMs: null,
    peakKw: null,
    peakDirty: false,
    measuredKw: null,
    judging: false,
    exhausted: false,
    lent: new Map(),
    tiers: [],
    plans: 0,
    answersDueMs: null,
    changedAtMs: null,
    handsOff: false,
    handled: new Set(),
    endMs: seed.window.endMs,
    cancelTimers: [],
    turn: Promise.resolve(),
  };
}

export function newPurchase(
  purpose: Purchase['purpose'],
  needKw: number,
  window: TimeWindow,
  triggerWallMs: number,
  failed?: ReadonlySet<string>,
): Purchase {
  return {
    purpose,
    isTopUp: purpose === 'top-up',
    needKw,
    window,
    triggerWallMs,
    obpIds: new Set(),
    offers: undefined,
    transactionId: undefined,
    placedUnder: new Set(),
    declined: new Set(),
    replans: 0,
    searchedAgain: false,
    spent: false,
    asked: undefined,
    decided: false,
    failed,
    tier: undefined,
  };
}
