/** What is out there, whether or not the services run: time, the broker, and the devices on it. */
import type { Fleet } from '@flexder/der-simulators/fleet.ts';
import { Activity } from '@flexder/runtime/activity.ts';
import {
  type GridClock,
  SteppedGridClock,
  systemWallClock,
  type WallClock,
  wallGridClock,
} from '@flexder/runtime/clock.ts';
import type { MemoryAccounts } from '@flexder/runtime/engines/bus/accounts.ts';
import { createLogger, type LogLevel } from '@flexder/runtime/logging.ts';
import { embeddedBroker, type FieldBroker, type OutsideBroker, outsideBroker } from './broker.ts';
import { Closing } from './closing.ts';
import { BusTraffic } from './settle.ts';

export interface FieldOptions {
  readonly logLevel: LogLevel;
  /** `stepped` follows the scenario; `wall` is real time, the only choice with a peer from outside. */
  readonly time: 'stepped' | 'wall';
  /** Where stepped grid time begins. */
  readonly startMs: number;
  /** A broker that is up already; the embedded one when absent. */
  readonly outside?: OutsideBroker;
}

export interface Field {
  readonly wall: WallClock;
  readonly grid: GridClock;
  /** Present when grid time is stepped. */
  readonly stepped: SteppedGridClock | undefined;
  readonly activity: Activity;
  readonly traffic: BusTraffic;
  readonly accounts: Pick<MemoryAccounts, 'add'>;
  readonly broker: FieldBroker;
  /** The devices; the first network on this field starts them, a later one finds them as they are. */
  fleet(start: () => Promise<Fleet>): Promise<Fleet>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function layField({ logLevel, time, startMs, outside }: FieldOptions): Promise<Field> {
  const closing = new Closing();
  const wall = systemWallClock();
  const log = createLogger('sandbox', logLevel);
  const stepped = time === 'stepped' ? new SteppedGridClock(startMs) : undefined;
  const onError = (error: unknown, label: string) => log.error({ error: String(error), label }, 'a timer failed');
  const broker = outside ? outsideBroker(outside) : closing.add(await embeddedBroker(log));
  const close = () => closing.close();
  let fleet: Fleet | undefined;
  return {
    wall,
    grid: stepped ?? wallGridClock(wall, onError),
    stepped,
    activity: new Activity(),
    traffic: new BusTraffic(),
    accounts: broker,
    broker,
    async fleet(start) {
      fleet ??= closing.add(await start());
      return fleet;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
