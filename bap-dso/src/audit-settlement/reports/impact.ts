/**
 * What flexibility did for a feeder: its peak with and without, energy moved and what it cost. The load without is the
 * metered load of each half hour plus what the settled meters delivered in it: measured, not modelled.
 */
import { settlementPeriodOf } from '@flexder/protocol/flexibility/settlement-period.ts';
import { type Kysely, sql } from 'kysely';
import { isWithin, type Season } from '../../network-model/season.ts';
import type { BapTables } from '../../tables.ts';
import { FEEDERS_NAMED, MAX_IMPACT_ROWS } from '../limits.ts';
import { ReportTooLargeError } from './report.ts';

const DAY_MS = 86_400_000;

/** Meteorological ones. */
const SEASONS: readonly Season[] = [
  { season: 'winter', from: '12-01', to: '02-29' },
  { season: 'spring', from: '03-01', to: '05-31' },
  { season: 'summer', from: '06-01', to: '08-31' },
  { season: 'autumn', from: '09-01', to: '11-30' },
];

export interface ImpactQuery {
  /** London settlement dates, both included. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** kW by feeder. */
  readonly limits: ReadonlyMap<string, number>;
  /** kW of flow back by feeder, beyond which generation would have to be curtailed; of the others nothing is said. */
  readonly exportLimits?: ReadonlyMap<string, number> | undefined;
  /** What a kW of new capacity costs a year, in pounds; nothing is said of money when absent. */
  readonly reinforcementGbpPerKwYear?: number | undefined;
}

export interface FeederImpact {
  readonly feederId: string;
  readonly season: string;
  /** Half hours of which a load is known; those without a reading say nothing. */
  readonly halfHours: number;
  readonly activatedHalfHours: number;
  readonly limitKw: number | null;
  /** Highest half-hour mean. */
  readonly peakWithKw: number;
  readonly peakWithoutKw: number;
  readonly halfHoursAboveLimitWith: number | null;
  readonly halfHoursAboveLimitWithout: number | null;
  readonly deliveredMwh: number;
  readonly paidGbp: number;
  /** Null when nothing was delivered. */
  readonly gbpPerMwh: number | null;
  /** Capacity beyond the limit that the peak would have asked for and did not. */
  readonly deferredKw: number | null;
  readonly deferredGbpPerYear: number | null;
  readonly exportLimitKw: number | null;
  /** MWh of export beyond the limit that flexibility avoided; negative when it added to them. Null without a limit. */
  readonly renewablesKeptMwh: number | null;
}

export interface Impact {
  readonly feeders: readonly FeederImpact[];
  /** Said with every figure. */
  readonly method: string;
  readonly notComputed: readonly string[];
}

const METHOD =
  'Half-hour means of the feeder’s own readings; without flexibility: plus the energy that settled meters delivered in the half hour (baseline less metered, newest revision), on the feeder of the order. Capacity deferred: peak above the limit without less that with flexibility, at the given cost a kW and year. Renewables kept on: the export of each half hour (a negative mean) beyond the feeder’s export limit without flexibility less that with it; what stood in the way within a half hour, and whether a generator would have been curtailed in fact, is not in it. Rebound after an event is in the load with flexibility and not taken from the load without.';
const LOSSES = 'losses: a feeder’s readings are at its head';

interface HalfHour {
  readonly feeder_id: string;
  readonly start_at: Date;
  readonly mean_kw: number;
  readonly delivered_mwh: number;
  readonly paid_gbp: number;
}

/** Sorted by feeder and season. Throws ReportTooLargeError past the bound on half hours. */
export async function impactOf(db: Kysely<BapTables>, query: ImpactQuery): Promise<Impact> {
  const groups = new Map<string, HalfHour[]>();
  for (const row of await halfHours(db, query)) {
    const { date } = settlementPeriodOf(row.start_at.getTime());
    if ((query.from !== undefined && date < query.from) || (query.to !== undefined && date > query.to)) continue;
    const season = SEASONS.find((one) => isWithin(one, date.slice(5)))?.season ?? 'none';
    const key = JSON.stringify([row.feeder_id, season]);
    const group = groups.get(key) ?? [];
    group.push(row);
    groups.set(key, group);
  }
  const feeders = [...groups].map(([key, rows]) => {
    const [feederId, season] = JSON.parse(key) as [string, string];
    return feederImpact(feederId, season, rows, query);
  });
  feeders.sort((a, b) => compare(a.feederId, b.feederId) || compare(a.season, b.season));
  return { feeders, method: METHOD, notComputed: [...exportsUnknown(feeders), LOSSES] };
}

function exportsUnknown(feeders: readonly FeederImpact[]): string[] {
  const unknown = new Set(feeders.flatMap(({ feederId, exportLimitKw }) => (exportLimitKw === null ? [feederId] : [])));
  if (unknown.size === 0) return [];
  const named = [...unknown].slice(0, FEEDERS_NAMED).join(', ');
  const more = unknown.size > FEEDERS_NAMED ? ` and ${unknown.size - FEEDERS_NAMED} more` : '';
  return [`renewables kept on: no export limit is known of ${named}${more}`];
}

/** Those of the days asked for, and of a day more on either side: whose day in London they are is looked at afterwards. */
async function halfHours(db: Kysely<BapTables>, { from, to }: ImpactQuery): Promise<HalfHour[]> {
  const at = (date: string | undefined, days: number) =>
    date === undefined ? null : new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS);
  const [first, end] = [at(from, -1), at(to, 2)];
  const { rows } = await sql<HalfHour>`
    with load as (
      select feeder_id, to_timestamp(floor(extract(epoch from read_at) / 1800) * 1800) as start_at,
        avg(power_kw)::float8 as mean_kw
      from feeder_reading
      where (${first}::timestamptz is null or read_at >= ${first}) and (${end}::timestamptz is null or read_at < ${end})
      group by 1, 2),
    newest as materialized (select obp_id, max(revision) as revision from settlement_row group by obp_id),
    settled as (
      select s.row->>'feeder_id' as feeder_id, (s.row->>'sp_start_utc')::timestamptz as start_at,
        sum((s.row->>'delivered_mwh')::numeric)::float8 as delivered_mwh,
        sum((s.row->>'utilisation_payment_gbp')::numeric)::float8 as paid_gbp
      from settlement_row s join newest n on n.obp_id = s.obp_id and n.revision = s.revision group by 1, 2)
    select load.feeder_id, load.start_at, load.mean_kw,
      coalesce(settled.delivered_mwh, 0)::float8 as delivered_mwh, coalesce(settled.paid_gbp, 0)::float8 as paid_gbp
    from load left join settled on settled.feeder_id = load.feeder_id and settled.start_at = load.start_at
    order by load.feeder_id, load.start_at limit ${MAX_IMPACT_ROWS + 1}`.execute(db);
  if (rows.length > MAX_IMPACT_ROWS)
    throw new ReportTooLargeError(`more than ${MAX_IMPACT_ROWS} half hours are kept: ask for fewer days`);
  return rows;
}

/** kW over half an hour from MWh. */
const kwOf = (mwh: number) => mwh * 2_000;

function feederImpact(feederId: string, season: string, rows: readonly HalfHour[], query: ImpactQuery): FeederImpact {
  const withKw = rows.map(({ mean_kw }) => mean_kw);
  const withoutKw = rows.map(({ mean_kw, delivered_mwh }) => mean_kw + Math.max(0, kwOf(delivered_mwh)));
  const limitKw = query.limits.get(feederId) ?? null;
  const [peakWith, peakWithout] = [highest(withKw), highest(withoutKw)];
  const above = (loads: readonly number[]) => (limitKw === null ? null : loads.filter((kw) => kw >= limitKw).length);
  const deliveredMwh = sum(rows, ({ delivered_mwh }) => delivered_mwh);
  const paidGbp = sum(rows, ({ paid_gbp }) => paid_gbp);
  const deferred = limitKw === null ? null : Math.max(0, peakWithout - limitKw) - Math.max(0, peakWith - limitKw);
  const exportLimitKw = query.exportLimits?.get(feederId) ?? null;
  const price = query.reinforcementGbpPerKwYear;
  return {
    ...{ feederId, season, halfHours: rows.length, limitKw },
    activatedHalfHours: rows.filter(({ delivered_mwh }) => delivered_mwh > 0).length,
    peakWithKw: rounded(peakWith, 3),
    peakWithoutKw: rounded(peakWithout, 3),
    halfHoursAboveLimitWith: above(withKw),
    halfHoursAboveLimitWithout: above(withoutKw),
    deliveredMwh: rounded(deliveredMwh, 6),
    paidGbp: rounded(paidGbp, 2),
    gbpPerMwh: deliveredMwh > 0 ? rounded(paidGbp / deliveredMwh, 2) : null,
    deferredKw: deferred === null ? null : rounded(deferred, 3),
    deferredGbpPerYear: deferred === null || price === undefined ? null : rounded(deferred * price, 2),
    exportLimitKw,
    renewablesKeptMwh: exportLimitKw === null ? null : rounded(keptMwh(rows, exportLimitKw), 6),
  };
}

/** By the signed figures: relief of demand adds to what flows back, more demand takes from it. */
function keptMwh(rows: readonly HalfHour[], exportLimitKw: number): number {
  const beyondKw = (loadKw: number) => Math.max(0, -loadKw - exportLimitKw);
  return sum(rows, ({ mean_kw, delivered_mwh }) => {
    const avoidedKw = beyondKw(mean_kw + kwOf(delivered_mwh)) - beyondKw(mean_kw);
    return avoidedKw / 2_000;
  });
}

function highest(loads: readonly number[]): number {
  return loads.reduce((most, kw) => Math.max(most, kw), Number.NEGATIVE_INFINITY);
}

function sum(rows: readonly HalfHour[], of: (row: HalfHour) => number): number {
  return rows.reduce((total, row) => total + of(row), 0);
}

function rounded(value: number, places: number): number {
  return Math.round(value * 10 ** places) / 10 ** places;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
