/** The tables of the DSO. Instants ending in `_at` are grid time unless the name says `wall`; powers are kW. */

import type { InterventionClass } from '@flexder/protocol/flexibility/model.ts';
import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { Instant, Json, NullableText } from './column-types.ts';
import type { DerTable } from './ders/tables.ts';
import type { Offered } from './flex-orchestration/decisions/store.ts';
import type {
  FallbackTierTable,
  FlexOrderTable,
  FlexSearchTable,
  OrderChangeTable,
  OrderReachTable,
  OrderRevisionTable,
} from './flex-orchestration/tables.ts';
import type { EventContext } from './open-data/event-context.ts';
import type { ShiftNoteTable } from './operator-api/shift/handover-table.ts';

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
  offered: Json<Offered>;
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
