/** Devices as they are now, one by one and added up. MSIDs stay inside. */
import type { DeviceType } from '@flexder/protocol/flexibility/model.ts';
import { rulesOf } from '../beckn/search.ts';
import type { Rooms } from '../context.ts';
import { LIMITS } from '../limits.ts';
import { usageOn } from '../orders/holds.ts';
import { roundKw } from '../orders/quantity.ts';
import { type FleetDer, reliabilityOf } from '../portfolio/der.ts';
import { type Exclusion, exclusionOf, type Usage } from '../portfolio/eligibility.ts';
import { grouped } from './grouped.ts';

const HALF_HOUR_MS = 1_800_000;

export interface DeviceView {
  readonly derId: string;
  readonly type: DeviceType;
  readonly online: boolean;
  /** Grid time, RFC 3339. */
  readonly readAt: string | null;
  readonly powerKw: number;
  readonly shedKw: number;
  readonly reliability: number;
  /** Why it could not serve the next half hour. */
  readonly excluded: Exclusion | null;
}

/** Of one feeder and type. */
export interface HoldingView {
  readonly feederId: string;
  readonly type: DeviceType;
  readonly devices: number;
  readonly online: number;
  /** Devices that could serve the next half hour, and what they could shed. */
  readonly available: number;
  readonly availableKw: number;
  readonly powerKw: number;
  /** Devices by the reason that keeps them out. */
  readonly excluded: Readonly<Partial<Record<Exclusion, number>>>;
}

export async function devicesOf(rooms: Rooms, feederId: string): Promise<DeviceView[]> {
  // Of several processes each hears its share of the readings.
  await rooms.refresh.feeder(rooms.database, feederId);
  const window = nextHalfHour(rooms);
  const usageOf = await usageOn(rooms.database, feederId, window);
  return rooms.fleet.onFeeder(feederId).map((der) => ({
    derId: der.derId,
    type: der.type,
    online: der.live.online,
    readAt: der.live.readAtMs === null ? null : new Date(der.live.readAtMs).toISOString(),
    powerKw: der.live.powerKw,
    shedKw: der.live.shedKw,
    reliability: Math.round(reliabilityOf(der) * 1000) / 1000,
    excluded: reasonOf(rooms, der, usageOf) ?? null,
  }));
}

/** Added up in memory, after one question to the database: a portfolio has twenty thousand devices. */
export async function holdings(rooms: Rooms, refreshFrom: number): Promise<HoldingView[]> {
  const feeders = rooms.fleet.feeders();
  for (let index = 0; index < Math.min(LIMITS.feedersRefreshed, feeders.length); index++)
    await rooms.refresh.feeder(rooms.database, feeders[(refreshFrom + index) % feeders.length]!);
  const usageOf = await usageOn(rooms.database, undefined, nextHalfHour(rooms));
  return feeders.flatMap((feederId) => {
    const byType = grouped(rooms.fleet.onFeeder(feederId), ({ type }) => type);
    return [...byType].map(([type, ders]) => holdingOf(rooms, feederId, type, ders, usageOf));
  });
}

function holdingOf(
  rooms: Rooms,
  feederId: string,
  type: DeviceType,
  ders: readonly FleetDer[],
  usageOf: (derNo: number) => Usage,
): HoldingView {
  const excluded: Partial<Record<Exclusion, number>> = {};
  const sums = { online: 0, available: 0, availableKw: 0, powerKw: 0 };
  for (const der of ders) {
    const reason = reasonOf(rooms, der, usageOf);
    if (reason) excluded[reason] = (excluded[reason] ?? 0) + 1;
    sums.online += Number(der.live.online);
    sums.available += Number(reason === undefined);
    sums.availableKw += reason === undefined ? der.live.shedKw : 0;
    sums.powerKw += der.live.powerKw;
  }
  const { availableKw, powerKw } = sums;
  return {
    ...{ feederId, type, devices: ders.length, ...sums, excluded },
    ...{ availableKw: roundKw(availableKw), powerKw: roundKw(powerKw) },
  };
}

function reasonOf(rooms: Rooms, der: FleetDer, usageOf: (derNo: number) => Usage): Exclusion | undefined {
  const nowMs = rooms.context.grid.nowMs();
  return exclusionOf(der, usageOf(der.derNo), nextHalfHour(rooms), nowMs, rulesOf(rooms));
}

function nextHalfHour({ context }: Rooms) {
  const nowMs = context.grid.nowMs();
  return { startMs: nowMs, endMs: nowMs + HALF_HOUR_MS };
}
