/** Single devices in the tables of the DSO. Powers kW. */
import type { DeviceAnswer, DeviceType } from '@flexder/protocol/flexibility/model.ts';
import type { ColumnType, Generated } from 'kysely';

/** What a device was asked in one order, and what it made of it. */
export interface DerOrder {
  readonly obpId: string;
  readonly answer: DeviceAnswer;
  readonly askedKw: number;
  /** Why, as its aggregator says it. */
  readonly reason?: string;
  /** When the window of the order begins; grid time. */
  readonly atMs: number;
  /** When its aggregator told of this answer; wall time. Absent of rows that an earlier version wrote. */
  readonly toldMs?: number;
  /** A change took it out of the order since. */
  readonly left?: true;
}

/** A device as its aggregator's reports and the network model tell of it; ids are pseudonymous. */
export interface DerTable {
  der_id: string;
  /** Empty where only the network model knows the device, and not whose it is. */
  bpp_id: string;
  feeder_id: string;
  device_type: DeviceType | null;
  /** Of the network model; null where it does not have the device. */
  rated_kw: number | null;
  import_msid: string | null;
  essential: Generated<boolean>;
  /** The order it serves, or served last; null after a change took it out. */
  last_obp_id: string | null;
  last_answer: DeviceAnswer | null;
  /** Newest first; the latest orders alone. */
  recent: ColumnType<readonly DerOrder[], string, string>;
  heard_wall_at: ColumnType<Date | null, Date | null, Date | null>;
}
