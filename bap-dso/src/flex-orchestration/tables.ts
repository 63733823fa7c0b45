/** Orders, and what goes before and after them. Instants ending in `_at` are grid time unless the name says `wall`; powers are kW. */

import type { Contact } from '@flexder/protocol/flexibility/codec-v1.ts';
import type {
  DispatchReport,
  FlexOffer,
  FlexQuote,
  FlexSelection,
  MeterReference,
  OrderChange,
  Performance,
} from '@flexder/protocol/flexibility/model.ts';
import type { OrderState } from '@flexder/protocol/flexibility/order-machine.ts';
import type { ColumnType, Generated } from 'kysely';
import type { Instant, Json, NullableText } from '../column-types.ts';

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
