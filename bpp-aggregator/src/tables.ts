/**
 * The tables of an aggregator. Instants ending in `_at` are grid time unless the name says `wall`; powers are kW,
 * energies kWh, import positive.
 */
import type { ChangedCommitment } from '@flexder/protocol/flexibility/codec-v1.ts';
import type {
  DeviceType,
  FlexQuote,
  FlexSelection,
  OrderReferences,
  Performance,
} from '@flexder/protocol/flexibility/model.ts';
import type { OrderState } from '@flexder/protocol/flexibility/order-machine.ts';
import type { ColumnType, Generated } from 'kysely';
import type { EnrolmentTables } from './enrolment/tables.ts';
import type { ConsentMode } from './portfolio/der.ts';

type Instant = ColumnType<Date, Date, Date>;
type NullableInstant = ColumnType<Date | null, Date | null | undefined, Date | null>;
type Json<T> = ColumnType<T, string, string>;
type NullableJson<T> = ColumnType<T | null, string | null | undefined, string | null>;

/** A device of the portfolio. Its MSIDs are here and nowhere in the record, so that they can be erased. */
export interface DerTable {
  der_no: Generated<number>;
  der_id: string;
  device_type: DeviceType;
  feeder_id: string;
  rated_kw: number;
  import_msid: string;
  export_msid: string | null;
  consent_from: Instant;
  consent_until: Instant;
  consent_mode: ColumnType<ConsentMode, ConsentMode | undefined, ConsentMode>;
  /** The consent that the contract gave last. */
  given_from: NullableInstant;
  given_until: NullableInstant;
  given_mode: ConsentMode | null;
  programme_id: string | null;
  consumer_id: string | null;
  essential: boolean;
  /** Sequence of the last command written for it. */
  sequence: Generated<number>;
  asked: Generated<number>;
  accepted: Generated<number>;
  opted_out_until: NullableInstant;
  /** Activations in a row that it did not answer. */
  unanswered: Generated<number>;
  maintenance_since: NullableInstant;
  /** SHA-256 of the password of a charger's account, base64: charge points of OCPP log in here and not at a broker. */
  password_hash: string | null;
}

/** A charger that speaks OCPP: its commands go through the process it is connected to, and to no broker. */
export interface ChargePointTable {
  der_no: number;
  /** Null while it is connected nowhere. */
  process_id: string | null;
}

export interface Cancellation {
  readonly by: 'CONSUMER' | 'PROVIDER';
  readonly reasonId: string;
  readonly note: string;
  readonly atMs: number;
}

export interface FlexOrderTable {
  order_no: Generated<number>;
  bap_id: string;
  transaction_id: string;
  order_id: string | null;
  state: OrderState;
  feeder_id: string;
  window_start_at: Instant;
  window_end_at: Instant;
  selection: Json<FlexSelection>;
  quote: Json<FlexQuote>;
  quote_until_wall_at: Instant;
  /** References are fixed at `init`. */
  order_references: NullableJson<OrderReferences>;
  committed_kw: number;
  confirmed_at: NullableInstant;
  answers_due_at: NullableInstant;
  first_sent_wall_at: NullableInstant;
  last_sent_wall_at: NullableInstant;
  /** The report of a finished fan-out has been sent. */
  fan_out_reported: Generated<boolean>;
  /** No further answer is counted. */
  answers_closed: Generated<boolean>;
  /** Of the changes to the order the latest; 0 is as it was confirmed. */
  revision: Generated<number>;
  /** Answers to commands of this revision and later ones are awaited, or were when they closed. */
  answers_revision: Generated<number>;
  /** Null while nothing was changed. */
  changed: NullableJson<ChangedCommitment>;
  is_short: Generated<boolean>;
  performance: NullableJson<Performance>;
  meter_document: string | null;
  meter_sha256: string | null;
  meter_rows: number | null;
  cancellation: NullableJson<Cancellation>;
  /** What the BAP thought of it, 0 to 5. */
  rating: ColumnType<number | null, number | null | undefined, number | null>;
  created_wall_at: Instant;
  updated_wall_at: Instant;
}

/** A device held for a quote or committed to an order. The database lets no two active ones of a device overlap. */
export interface ReservationTable {
  order_no: number;
  der_no: number;
  item_id: string;
  shed_kw: number;
  expected_kw: number;
  /** The window of the order. */
  start_at: Instant;
  end_at: Instant;
  active: Generated<boolean>;
  committed: Generated<boolean>;
  /** Settlement date of the window's start: activations are counted per day. */
  event_date: string;
}

export type CommandType = 'DISPATCH_SETPOINT' | 'IMPORT_CAPACITY_LIMIT' | 'CONTROL_SETPOINT' | 'RELEASE';
export type Answer = 'ACCEPTED' | 'REJECTED' | 'OPTED_OUT' | 'EXPIRED';

export interface CommandTable {
  command_id: string;
  order_no: number;
  der_no: number;
  der_id: string;
  sequence: number;
  command_type: CommandType;
  target_kw: number;
  /** What the device said it could shed when it was picked. */
  shed_kw: number;
  /** Its mean power over the five minutes before. */
  baseline_kw: number;
  start_at: Instant;
  stop_at: Instant;
  valid_until: Instant;
  release_delay_s: number;
  issued_at: Instant;
  /** VOID: its order was cancelled before it left. */
  state: 'PENDING' | 'SENT' | 'VOID';
  sent_wall_at: NullableInstant;
  answer: Answer | null;
  answered_at: NullableInstant;
  /** The process that publishes it, and until when (time of the database); nobody: whoever works on the queue. */
  claimed_by: string | null;
  claimed_until: NullableInstant;
  /** The consumer withdrew consent for what this command asks. */
  withdrawn_at: NullableInstant;
  life_cycle: 'STARTED' | 'COMPLETED' | 'FAILED' | null;
  /** Revision of its order that it was written for. */
  revision: Generated<number>;
  /** A change of the order took the device out, or commanded it anew; of an activation that holds it is null. */
  ended_at: NullableInstant;
}

/** What is agreed of an order from an instant on. An order that was never changed has none. */
export interface OrderRevisionTable {
  order_no: number;
  revision: number;
  from_at: Instant;
  committed_kw: number;
  window_start_at: Instant;
  window_end_at: Instant;
  /** Mean of its blocks, weighted by their kW; exact decimal text. */
  price_gbp_per_kwh: string;
  written_wall_at: Instant;
}

export interface DerReadingTable {
  der_no: number;
  read_at: Instant;
  power_kw: number;
  import_kwh: number;
  export_kwh: number;
  available_down_kw: number;
}

export interface HalfHourTable {
  der_no: number;
  start_at: Instant;
  kwh: number;
  quality: 'GOOD' | 'ESTIMATED' | 'MISSING';
}

/** A process of this aggregator, and when (time of the database) it last said that it is there. */
export interface ProcessTable {
  process_id: string;
  seen_at: Instant;
}

export interface AggregatorTables extends EnrolmentTables {
  charge_point: ChargePointTable;
  process: ProcessTable;
  der: DerTable;
  flex_order: FlexOrderTable;
  reservation: ReservationTable;
  command: CommandTable;
  order_revision: OrderRevisionTable;
  der_reading: DerReadingTable;
  half_hour: HalfHourTable;
}
