/** The load of one feeder by day and time of day, against what it might carry then. */
import {
  clockSlot,
  dateAfter,
  periodStart,
  settlementPeriodOf,
} from '@flexder/protocol/flexibility/settlement-period.ts';
import type { Request } from 'express';
import { type Kysely, sql } from 'kysely';
import type { FeederConfig } from '../../config.ts';
import { limitsAt } from '../../network-model/feeders.ts';
import type { BapTables } from '../../tables.ts';
import type { OperatorApiDeps } from '../deps.ts';
import { HEAT_DAYS, HEAT_DAYS_MAX } from '../limits.ts';
import { BadRequestError, identifier, integer, oneOf, parameters } from '../parameters.ts';
import { bapTables } from '../stream/snapshot.ts';

export interface HeatCell {
  /** London date, `YYYY-MM-DD`. */
  readonly date: string;
  /** By the London clock, from 0: 24 hours or 48 half hours. The hour that a day has twice is one. */
  readonly slot: number;
  /** Grid time. */
  readonly startMs: number;
  readonly meanKw: number;
  /** Of the season. */
  readonly limitKw: number;
  readonly readings: number;
}

export interface HeatMap {
  readonly feederId: string;
  readonly minutes: 30 | 60;
  /** Oldest first, also those without a reading. */
  readonly dates: readonly string[];
  /** Of times without a reading there is none. */
  readonly cells: readonly HeatCell[];
}

/** Throws BadRequestError. */
export async function heatOf(deps: OperatorApiDeps, request: Request): Promise<HeatMap> {
  const of = { feeder_id: identifier, days: integer(1, HEAT_DAYS_MAX), minutes: oneOf(['30', '60']) };
  const query = parameters(request, of);
  if (query.feeder_id === undefined) throw new BadRequestError('feeder_id', 'is required');
  const feeder = deps.config.feeders.find(({ feederId }) => feederId === query.feeder_id);
  if (!feeder) throw new BadRequestError('feeder_id', 'is no feeder of this DSO');
  const minutes = query.minutes === '30' ? 30 : 60;
  return heatMap(bapTables(deps), feeder, { nowMs: deps.context.grid.nowMs(), days: query.days ?? HEAT_DAYS, minutes });
}

/** The London day of `nowMs` (grid time) and those before it, `days` in all. */
export async function heatMap(
  db: Kysely<BapTables>,
  feeder: Pick<FeederConfig, 'feederId' | 'limitKw' | 'releaseShare' | 'ratings'>,
  { nowMs, days, minutes }: { readonly nowMs: number; readonly days: number; readonly minutes: 30 | 60 },
): Promise<HeatMap> {
  const today = settlementPeriodOf(nowMs).date;
  const dates = Array.from({ length: days }, (_, index) => dateAfter(today, index + 1 - days));
  const seconds = sql.lit(minutes * 60);
  // London is whole hours from UTC, so an hour of one is an hour of the other.
  const start = sql<number>`(floor(extract(epoch from read_at) / ${seconds}) * ${seconds})::float8`;
  const rows = await db
    .selectFrom('feeder_reading')
    .select([start.as('start_s'), sql<number>`avg(power_kw)::float8`.as('mean_kw')])
    .select(sql<number>`count(*)::int`.as('readings'))
    .where('feeder_id', '=', feeder.feederId)
    .where('read_at', '>=', new Date(periodStart(dates[0]!, 1)))
    .where('read_at', '<=', new Date(nowMs))
    .groupBy('start_s')
    .orderBy('start_s')
    .execute();
  const cells = new Map<string, HeatCell>();
  for (const { start_s, mean_kw, readings } of rows) {
    const startMs = start_s * 1000;
    const { date } = settlementPeriodOf(startMs);
    const slot = Math.floor(clockSlot(startMs) / (minutes / 30));
    const { limitKw } = limitsAt(feeder, startMs);
    const key = `${date} ${slot}`;
    const before = cells.get(key);
    const cell = { date, slot, startMs, meanKw: rounded(mean_kw), limitKw, readings };
    cells.set(key, before ? both(before, cell) : cell);
  }
  return { feederId: feeder.feederId, minutes, dates, cells: [...cells.values()] };
}

/** On the day the clocks go back an hour is there twice. */
function both(a: HeatCell, b: HeatCell): HeatCell {
  const readings = a.readings + b.readings;
  return { ...a, meanKw: rounded((a.meanKw * a.readings + b.meanKw * b.readings) / readings), readings };
}

const rounded = (kw: number): number => Math.round(kw * 1_000) / 1_000;
