/**
 * The flexibility domain, free of any wire version: what the DSO needs, what an aggregator offers, what was
 * agreed and what came of it. One codec per Beckn version turns these into messages and back.
 *
 * Powers are kW at the feeder, reductions positive. Instants are grid time, milliseconds since the Unix epoch.
 */
import type {
  EventId,
  FeederId,
  MessageId,
  ObpId,
  OrderId,
  SubscriberId,
  TransactionId,
} from '../beckn/identifiers.ts';

/** Half-open interval of grid time, `[startMs, endMs)`. */
export interface TimeWindow {
  readonly startMs: number;
  readonly endMs: number;
}

export type Direction = 'TURN_DOWN' | 'TURN_UP';
/** Voluntary and paid, or forced under an emergency rule; the class is marked in every record. */
export type InterventionClass = 'INCENTIVE' | 'EMERGENCY';

/** What a DSO asks the market for: one event on one feeder. */
export interface FlexNeed {
  readonly eventId: EventId;
  readonly feederId: FeederId;
  readonly direction: Direction;
  readonly requestedKw: number;
  readonly window: TimeWindow;
  readonly maxPriceGbpPerKwh: number;
  /** 0 to 1: share of past commitments an offer must have kept. */
  readonly minReliability: number;
  /** Longest time from confirm to full response. */
  readonly maxResponseSeconds: number;
  readonly interventionClass: InterventionClass;
}

/** One block of flexibility from an aggregator's catalogue. */
export interface FlexOffer {
  readonly bppId: SubscriberId;
  readonly providerId: string;
  readonly itemId: string;
  readonly fulfillmentId: string;
  readonly feederId: FeederId;
  readonly direction: Direction;
  readonly deviceType: DeviceType;
  readonly availableKw: number;
  readonly minimumKw: number;
  readonly stepKw: number;
  readonly priceGbpPerKwh: number;
  readonly responseSeconds: number;
  readonly minimumNoticeSeconds: number;
  readonly maxDurationSeconds: number;
  readonly maxEventsPerDay: number;
  readonly rampKwPerMinute: number;
  readonly baselineMethod: string;
  readonly baselineKw: number;
  /** 0 to 1, with the number of events it rests on. */
  readonly reliability: number;
  readonly eventsCompleted: number;
  readonly availability: TimeWindow;
}

/** Devices of one feeder that an aggregator does not offer for a window, counted by reason; none is named. */
export interface LeftOut {
  readonly feederId: FeederId;
  readonly fulfillmentId: string;
  readonly window: TimeWindow;
  readonly reasons: readonly LeftOutCount[];
}

/** Each device counts once, for the first reason that keeps it out. */
export interface LeftOutCount {
  /** A code of LEFT_OUT_REASONS, or one of the aggregator's own. */
  readonly reason: string;
  readonly devices: number;
  /** What the devices are rated for: what they could have given now nobody knows of one that is offline. */
  readonly ratedKw: number;
}

export const DEVICE_TYPES = ['battery', 'ev-charger', 'heat-pump'] as const;
export type DeviceType = (typeof DEVICE_TYPES)[number];

/** What the DSO asks of one BPP in `select`: kW per block. */
export interface FlexSelection {
  readonly providerId: string;
  readonly fulfillmentId: string;
  readonly feederId: FeederId;
  readonly window: TimeWindow;
  readonly items: readonly { readonly itemId: string; readonly kw: number }[];
}

/** The firm answer to a selection; the BPP holds the capacity until `validUntilMs` (wall time). */
export interface FlexQuote {
  readonly quoteId: string;
  readonly items: readonly { readonly itemId: string; readonly kw: number; readonly priceGbpPerKwh: number }[];
  readonly totalKw: number;
  readonly totalGbp: number;
  readonly validUntilMs: number;
}

/** Who the order belongs to and what it is for; travels as tags from `init` on. */
export interface OrderReferences {
  readonly eventId: EventId;
  readonly obpId: ObpId;
  readonly obpIdSource: 'network-assigned' | 'neso-obp';
  readonly interventionClass: InterventionClass;
}

/** The key of an order: transaction ids are the BAP's to choose, so alone they identify nothing. */
export interface OrderKey {
  readonly bapId: SubscriberId;
  readonly bppId: SubscriberId;
  readonly transactionId: TransactionId;
  readonly orderId: OrderId;
}

/** An order as both sides know it, from `init` to `on_status`. */
export interface FlexOrder {
  readonly key: OrderKey;
  readonly selection: FlexSelection;
  readonly quote: FlexQuote;
  readonly references: OrderReferences;
  readonly fulfilment: FulfilmentState;
  /** Given by the BPP with its confirmation. */
  readonly commitment?: Commitment;
  /** Absent until the fan-out has begun. */
  readonly dispatch?: DispatchReport;
  /** Measured while in progress. */
  readonly delivery?: DeliveryReport;
  /** Present when completed. */
  readonly performance?: Performance;
  readonly meterReference?: MeterReference;
  readonly cancellation?: OrderCancellation;
}

export interface OrderCancellation {
  readonly by: 'CONSUMER' | 'PROVIDER';
  readonly reasonId: string;
  readonly note: string;
  /** Wall time. */
  readonly atMs: number;
}

/** What a BPP binds itself to when it confirms. */
export interface Commitment {
  readonly committedKw: number;
  /** Power of the committed devices without the event, as the BPP expects it. */
  readonly baselineKw: number;
}

/** Relief as the BPP measures it at its devices while the order runs. */
export interface DeliveryReport {
  readonly measuredKw: number;
  /** Committed less measured, never below zero. */
  readonly shortfallKw: number;
}

/** What is to change of an order: the kW of the items named, its window, or both. */
export interface OrderChange {
  readonly items: readonly { readonly itemId: string; readonly kw: number }[];
  readonly window?: TimeWindow;
  /** Devices that must not serve the order any longer; what they gave is to come from others. */
  readonly excludedDerIds?: readonly string[];
}

/** What is agreed of an order from an instant on; revision 0 is what was confirmed. */
export interface OrderRevision {
  readonly revision: number;
  /** Grid time. */
  readonly fromMs: number;
  readonly committedKw: number;
  readonly window: TimeWindow;
}

export type FulfilmentState = 'SCHEDULED' | 'IN_PROGRESS' | 'COMPLETED' | 'CANCELLED';

/** Fan-out of one order as the aggregator counts it; wall-clock instants, epoch milliseconds. */
export interface DispatchReport {
  readonly commands: number;
  /** When the first and the last command were handed to the broker; null while none was. */
  readonly firstAtMs: number | null;
  readonly lastAtMs: number | null;
  readonly accepted: number;
  readonly rejected: number;
  readonly optedOut: number;
  readonly expired: number;
  /** No answer by the deadline; while the deadline lies ahead these are the unanswered. */
  readonly silent: number;
  /** kW behind the accepted commands. */
  readonly acknowledgedKw: number;
  /** True when no further answer will be counted. */
  readonly closed: boolean;
  /** Of the order's revisions, which one these are the devices of; none is 0. */
  readonly revision?: number;
}

/** What a device made of its command; SILENT: it did not answer in time. */
export type DeviceAnswer = 'ACCEPTED' | 'REJECTED' | 'OPTED_OUT' | 'EXPIRED' | 'SILENT';

/** One entry a device; answers that are counted for good. */
export type DeviceAnswers = readonly {
  /** Pseudonymous. */
  readonly derId: string;
  readonly deviceType: DeviceType;
  /** What it was asked to shed. */
  readonly askedKw: number;
  readonly answer: DeviceAnswer;
  /** Why, where the aggregator says more than the answer does: CONSENT_WITHDRAWN, or a code of its own. */
  readonly reason?: string;
}[];

/** Reason of a device that was let go because its consumer does not consent any longer. */
export const CONSENT_WITHDRAWN = 'consent-withdrawn';

export interface PerformanceInterval {
  readonly startMs: number;
  readonly baselineKw: number;
  readonly actualKw: number;
  readonly reductionKw: number;
}

export interface Performance {
  readonly deliveredKwh: number;
  /** Delivered over committed, 0 to 1 and above. */
  readonly ratio: number;
  readonly baselineMethod: string;
  readonly intervals: readonly PerformanceInterval[];
}

/** Signed reference to the half-hour meter rows an order is settled from. */
export interface MeterReference {
  /** Path below the BPP's registered URL. */
  readonly path: string;
  /** Lower-case hex SHA-256 of the document's bytes. */
  readonly sha256: string;
  readonly rows: number;
}

/** The document behind a MeterReference. `import_msid` is a 13-digit pseudonymous MSID. */
export interface MeterDocument {
  readonly version: 1;
  readonly order_id: string;
  readonly obp_id: string;
  /** Metered energy of the event's settlement periods; import positive, export negative, kWh. */
  readonly rows: readonly MeterRow[];
  /** The same meters on the days before: what a baseline is computed from. */
  readonly history: readonly MeterRow[];
}

export interface MeterRow {
  readonly import_msid: string;
  readonly export_msid: string | null;
  /** London settlement date, `YYYY-MM-DD`, and period 1 to 50. */
  readonly settlement_date: string;
  readonly settlement_period: number;
  readonly metered_kwh: number;
  readonly quality: 'GOOD' | 'ESTIMATED' | 'MISSING';
}

/** Ids of one exchange, for records and logs. */
export interface MessageIds {
  readonly transactionId: TransactionId;
  readonly messageId: MessageId;
}
