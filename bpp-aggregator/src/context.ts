/** What the rooms of an aggregator share. */
import type { DeviceType } from '@flexder/protocol/flexibility/model.ts';
import type { Context } from '@flexder/runtime/context.ts';
import type { UnitOfWork } from '@flexder/runtime/participant/types.ts';
import type { Kysely } from 'kysely';
import type { ChargePoints } from './charge-points/charge-points.ts';
import type { AggregatorConfig } from './config.ts';
import type { Dispatcher } from './dispatch/dispatcher.ts';
import type { Programmes } from './enrolment/programmes.ts';
import type { DeliveryWatch } from './metering/delivery.ts';
import type { OrderTimers } from './orders/timers.ts';
import type { Peers } from './peers.ts';
import type { Fleet } from './portfolio/fleet.ts';
import type { Refresh } from './portfolio/refresh.ts';
import type { AggregatorTables } from './tables.ts';

export type Work = UnitOfWork<AggregatorTables>;

export interface Rooms {
  readonly context: Context;
  readonly config: AggregatorConfig;
  /** Registered address of the participant. */
  readonly url: string;
  /** This process among those of the aggregator; `shared` when there may be others. */
  readonly process: {
    readonly id: string;
    readonly shared: boolean;
    /** No other is alive, as far as is known. */
    alone(): boolean;
    /** Whether it runs what only one runs. */
    leads(): boolean;
  };
  readonly peers: Peers;
  readonly fleet: Fleet;
  /** What consumers may subscribe to. */
  readonly programmes: Programmes;
  /** What other processes heard of the devices. */
  readonly refresh: Refresh;
  /** Orders completed by device type since this database began. */
  readonly completed: Record<DeviceType, number>;
  /** For reading, and for writes that have no effects outside; never from within a unit of work. */
  readonly database: Kysely<AggregatorTables>;
  transact<T>(body: (work: Work) => Promise<T>): Promise<T>;
  readonly dispatcher: Dispatcher;
  /** The chargers that speak OCPP; undefined where none may. */
  readonly chargePoints: ChargePoints | undefined;
  readonly timers: OrderTimers;
  readonly delivery: DeliveryWatch;
}
