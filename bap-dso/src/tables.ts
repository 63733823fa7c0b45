/** The tables of the DSO. Instants ending in `_at` are grid time unless the name says `wall`; powers are kW. */

import type { Contact } from '@flexder/protocol/flexibility/codec-v1.ts';
import type {
  DispatchReport,
  FlexOffer,
  FlexQuote,
  FlexSelection,
  InterventionClass,
  MeterReference,
  OrderChange,
  Performance,
} from '@flexder/protocol/flexibility/model.ts';
import type { OrderState } from '@flexder/protocol/flexibility/order-machine.ts';
import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { DerTable } from './ders/tables.ts';
import type { PlanOptions } from './flex-orchestration/planning/options.ts';
import type { EventContext } from './open-data/event-context.ts';
import type { ShiftNoteTable } from './operator-api/handover-table.ts';

type Instant = ColumnType<Date, Date | string, Date | string>;
type Json<T> = ColumnType<T, string, string>;
type NullableText = ColumnType<string | null, string | null | undefined, string | null>;

export interface FeederReadingTable {
  feeder_id: string;
  read_at: Instant;
  power_kw: number;
  quality: 'GOOD' | 'ESTIMATED';
}

/** What the forecaster of a feeder learnt, in the words of its model's version. */
export interface ForecastStateTable {
  feeder_id: string;
  version: string;
  /** Until when the readings reach that it was fitted on. */
  fitted_at: Instant | null;
  /** Of its latest sample. */
  taken_at: Instant;
  written_wall_at: Instant;
  state: Buffer;
}

/** One need of one feeder, from detection to release. */
export interface OverloadTable {
  /** Joins all orders, commands, records and settlement rows of this need. */
  event_id: string;
  feeder_id: string;
  detected_by: 'measured' | 'forecast';
  detected_at: Instant;
  detected_wall_at: Instant;
  rule_id: string;
  rule_version: string;
  rule_inputs: Json<Record<string, string | number | boolean | null>>;
  intervention_class: InterventionClass;
  state: 'BUYING' | 'DISPATCHED' | 'RELIEVED' | 'SHORT' | 'RELEASED';
  limit_kw: number;
  release_kw: number;
  requested_kw: number;
  /** Mean of the five minutes before dispatch. */
  baseline_kw: number;
  window_start_at: Instant;
  window_end_at: Instant;
  /** Highest load from the moment the relief was due until release. */
  peak_during_kw: number | null;
  measured_kw: number | null;
  topped_up: Generated<boolean>;
  released_at: Instant | null;
}

/** What could be chosen for an event, and what was. */
export interface DecisionTable {
  decision_id: string;
  event_id: string;
  feeder_id: string;
  mode: 'automatic' | 'supervised' | 'manual';
  /** Why the one who decides does. */
  because: string;
  state: 'OPEN' | 'APPROVED' | 'DECLINED' | 'LAPSED';
  offered: Json<PlanOptions>;
  due_wall_at: Instant | null;
  on_due: 'approve' | 'let-pass';
  made_wall_at: Instant;
  chosen: 'low' | 'sufficient' | 'everything' | null;
  decided_by: string | null;
  decided_role: 'OPERATOR' | 'RULE' | null;
  reason: string | null;
  decided_wall_at: Instant | null;
}

/** What a person holds back until they give it free. */
export interface RestrictionTable {
  kind: 'exclude-bpp' | 'exclude-der' | 'stop';
  /** The BPP, the device, or `*`. */
  subject: string;
  /** Of a device: whose it is, empty where that is not known, and where it is. */
  bpp_id: ColumnType<string, string | undefined, string>;
  feeder_id: NullableText;
  made_by: string;
  reason: string;
  made_wall_at: Instant;
}

/** What a person had to hear of, and who heard it. */
export interface AlarmTable {
  alarm_id: Generated<number>;
  kind: string;
  text: string;
  event_id: string | null;
  feeder_id: string | null;
  obp_id: string | null;
  substation_id: string | null;
  raised_wall_at: Instant;
  /** What raised it was found to be over; null for what nobody watches the end of. */
  cleared_wall_at: Instant | null;
  acked_by: string | null;
  acked_wall_at: Instant | null;
}

/** A person put an alarm, and those like it, aside until an instant; rows stay. */
export interface ShelvingTable {
  shelving_id: Generated<number>;
  kind: string;
  event_id: string | null;
  feeder_id: string | null;
  obp_id: string | null;
  substation_id: string | null;
  shelved_by: string;
  reason: string;
  shelved_wall_at: Instant;
  until_wall_at: Instant;
  /** Who took it back before its time. */
  ended_by: NullableText;
  ended_wall_at: ColumnType<Date | null, Date | null | undefined, Date | null>;
}

/** An order of one event that another, planned with it, counts on: its relief is felt at that one's feeder, too. */
export interface OrderReachTable {
  obp_id: string;
  event_id: string;
  /** Of a kW of the order, what is felt there, 0 to 1. */
  felt_share: number;
}

export interface FlexOrderTable {
  obp_id: string;
  event_id: string;
  feeder_id: string;
  bap_id: string;
  bpp_id: string;
  transaction_id: string;
  order_id: string | null;
  state: OrderState;
  state_reason: string | null;
  is_top_up: boolean;
  /** When the sample that led here was received (wall time): the start of the detection-to-dispatch figure. */
  trigger_wall_at: Instant;
  selection: Json<FlexSelection>;
  quote: Json<FlexQuote> | null;
  dispatch: Json<DispatchReport> | null;
  performance: Json<Performance> | null;
  meter_reference: Json<MeterReference> | null;
  requested_kw: number;
  /** What the plan expects of it: the firm kW times the reliability of their blocks. */
  expected_kw: number;
  committed_kw: number;
  /** Of the changes agreed the latest; 0 is as it was confirmed. */
  revision: Generated<number>;
  /** Of a kW of this order, what is felt at the feeder of its event, by the network model when it was placed. */
  felt_share: Generated<number>;
  detection_to_dispatch_ms: number | null;
  detection_to_ack_ms: number | null;
  answer_due_wall_at: Instant | null;
  /** Devices that its confirmation, or the change agreed last, does without. */
  excluded_der_ids: ColumnType<readonly string[] | null, string | null | undefined, string | null>;
  /** Where its aggregator says that it can be followed. */
  live_url: NullableText;
  /** Whom to call about it. */
  contact: ColumnType<Contact | null, string | null | undefined, string | null>;
  /** What its aggregator was told of it, 0 to 5, and when that was heard. */
  rating: ColumnType<number | null, number | null | undefined, number | null>;
  rated_wall_at: ColumnType<Date | null, Date | null | undefined, Date | null>;
  created_wall_at: Instant;
  updated_wall_at: Instant;
}

/** What is agreed of an order from an instant on; one that was never changed has none. Nothing of it is overwritten. */
export interface OrderRevisionTable {
  obp_id: string;
  revision: number;
  from_at: Instant;
  committed_kw: number;
  window_start_at: Instant;
  window_end_at: Instant;
  /** Mean of its blocks, weighted by their kW; exact decimal text. */
  price_gbp_per_kwh: string;
  written_wall_at: Instant;
}

/** Offers that stand behind the orders of an event; nothing is asked for them before they are released. */
export interface FallbackTierTable {
  event_id: string;
  /** Of the plans of the event, whose it is. */
  plan_no: number;
  tier: 1 | 2;
  state: 'ARMED' | 'STAGED' | 'RELEASED' | 'LAPSED';
  offers: Json<FlexOffer[]>;
  /** What is to be stood in for, and what the offers are expected to give of it. */
  gap_kw: number;
  expected_kw: number;
  /** If it were bought. */
  cost_gbp_per_hour: number;
  made_at: Instant;
  made_wall_at: Instant;
  released_at: Instant | null;
  reason: string | null;
}

/** A change that was asked of an order's aggregator, and what it said. */
export interface OrderChangeTable {
  /** Message id of the update. */
  change_id: string;
  obp_id: string;
  asked: Json<OrderChange>;
  /** Of an order one change at most is ASKED. UNANSWERED may yet be answered: the aggregator may have agreed. */
  state: 'ASKED' | 'AGREED' | 'REFUSED' | 'UNANSWERED';
  asked_by: string;
  reason: string;
  /** Why not, or since when. */
  answer: NullableText;
  asked_at: Instant;
  asked_wall_at: Instant;
  answered_wall_at: ColumnType<Date | null, Date | null | undefined, Date | null>;
}

/** One search: which need a catalogue answers. */
export interface FlexSearchTable {
  transaction_id: string;
  event_id: string;
  purpose: 'need' | 'top-up' | 'resume';
  requested_kw: number;
  sent_wall_at: Instant;
}

/** What the edge found and the DSO did not act on; what it acted on is an overload of the same event id. */
export interface FindingTable {
  event_id: string;
  feeder_id: string;
  monitor_id: string;
  outcome: 'stale' | 'event-open' | 'unknown-feeder' | 'unknown-rule' | 'future';
  detected_at: Instant;
  received_wall_at: Instant;
}

/** Settlement rows are never overwritten: a correction is a row of a higher revision. */
export interface SettlementRowTable {
  obp_id: string;
  import_msid: string;
  settlement_date: string;
  settlement_period: number;
  revision: number;
  row: JSONColumnType<Record<string, unknown>>;
}

export interface MeterDocumentTable {
  obp_id: string;
  sha256: string;
  document: JSONColumnType<Record<string, unknown>>;
  fetched_wall_at: Instant;
}

/** What the world outside looked like when an event opened. */
export interface OverloadContextTable {
  event_id: string;
  context: Json<EventContext>;
}

/** The last rows of an open data set: what is known of it without a network. */
export interface OpenDataSnapshotTable {
  dataset_id: string;
  url: string;
  retrieved_wall_at: Instant;
  observed_at: Instant;
  sha256: string;
  rows: Json<readonly unknown[]>;
}

export interface BapTables {
  feeder_reading: FeederReadingTable;
  forecast_state: ForecastStateTable;
  overload: OverloadTable;
  decision: DecisionTable;
  restriction: RestrictionTable;
  der: DerTable;
  alarm: AlarmTable;
  shelving: ShelvingTable;
  shift_note: ShiftNoteTable;
  flex_order: FlexOrderTable;
  order_revision: OrderRevisionTable;
  order_change: OrderChangeTable;
  fallback_tier: FallbackTierTable;
  order_reach: OrderReachTable;
  flex_search: FlexSearchTable;
  finding: FindingTable;
  settlement_row: SettlementRowTable;
  meter_document: MeterDocumentTable;
  overload_context: OverloadContextTable;
  open_data_snapshot: OpenDataSnapshotTable;
}
