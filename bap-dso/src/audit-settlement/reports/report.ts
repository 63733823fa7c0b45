/** What was settled, as a report: rows of the newest revision of each order, totals and control totals. */

import { type Big, decimal, fixed, MONEY_PLACES, VOLUME_PLACES, ZERO } from '@flexder/protocol/settlement/decimal.ts';
import canonicalize from 'canonicalize';
import { type Kysely, type SqlBool, sql } from 'kysely';
import type { BapTables } from '../../tables.ts';
import { sha256 } from '../digest.ts';
import { MAX_REPORT_ROWS } from '../limits.ts';
import { SETTLEMENT_COLUMNS } from '../settlement/columns.ts';
import type { SettlementValues } from '../settlement/rows.ts';

/** London settlement dates, both included; an absent member does not restrict. */
export interface ReportFilter {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly obpId?: string | undefined;
  readonly feederId?: string | undefined;
  /** The newest revision of this run; absent: of whichever run is the newest. */
  readonly runType?: string | undefined;
}

export interface Totals {
  readonly rows: number;
  readonly instructed_mwh: string;
  readonly delivered_mwh: string;
  readonly payable_mwh: string;
  readonly utilisation_payment_gbp: string;
  readonly compensation_gbp: string;
}

export interface SettlementReport {
  readonly body: {
    readonly filter: ReportFilter;
    readonly rows: readonly SettlementValues[];
    readonly totals: {
      readonly by_bpp: readonly ({ readonly lead_party_id: string } & Totals)[];
      readonly by_feeder_period: readonly ({
        readonly feeder_id: string;
        readonly settlement_date: string;
        readonly settlement_period: number;
      } & Totals)[];
    };
    readonly control: Totals & { readonly orders: number; readonly msid_pairs: number };
  };
  /** SHA-256 of the canonical JSON (RFC 8785) of `body`. */
  readonly sha256: string;
}

export class ReportTooLargeError extends Error {
  override name = 'ReportTooLargeError';
}

/** Sorted by date, period, order and meter. Throws ReportTooLargeError past the bound. */
export async function loadSettlementRows(db: Kysely<BapTables>, filter: ReportFilter): Promise<SettlementValues[]> {
  let query = db
    // Without statistics of rows just written the planner would look for the newest revision once for each row.
    .with(
      (cte) => cte('newest').materialized(),
      (orders) =>
        orders
          .selectFrom('settlement_row')
          .select(['obp_id', (eb) => eb.fn.max('revision').as('revision')])
          .$if(filter.obpId !== undefined, (one) => one.where('obp_id', '=', filter.obpId!))
          .$if(filter.runType !== undefined, (one) => one.where(sql<SqlBool>`row->>'run_type' = ${filter.runType}`))
          .groupBy('obp_id'),
    )
    .selectFrom('settlement_row as s')
    .innerJoin('newest as n', (join) => join.onRef('n.obp_id', '=', 's.obp_id').onRef('n.revision', '=', 's.revision'))
    .select('s.row');
  if (filter.from) query = query.where('s.settlement_date', '>=', filter.from);
  if (filter.to) query = query.where('s.settlement_date', '<=', filter.to);
  if (filter.obpId) query = query.where('s.obp_id', '=', filter.obpId);
  if (filter.feederId) query = query.where(sql<SqlBool>`s.row->>'feeder_id' = ${filter.feederId}`);
  const found = await query
    .orderBy('s.settlement_date')
    .orderBy('s.settlement_period')
    .orderBy('s.obp_id')
    .orderBy('s.import_msid')
    .limit(MAX_REPORT_ROWS + 1)
    .execute();
  if (found.length > MAX_REPORT_ROWS) {
    throw new ReportTooLargeError(
      `more than ${MAX_REPORT_ROWS} rows match; narrow them by from, to, obp_id or feeder_id`,
    );
  }
  return found.map(({ row }) => inColumnOrder(row as SettlementValues));
}

/** Totals of every row of the newest revisions, added up by the database: there is no bound on how many there are. */
export async function settledTotals(
  db: Kysely<BapTables>,
): Promise<Pick<Totals, 'rows' | 'payable_mwh' | 'utilisation_payment_gbp'>> {
  const { rows } = await sql<{ rows: number; payable_mwh: string; utilisation_payment_gbp: string }>`
    with newest as materialized (select obp_id, max(revision) as revision from settlement_row group by obp_id)
    select count(*)::int as rows,
      coalesce(sum((s.row->>'payable_mwh')::numeric), 0)::text as payable_mwh,
      coalesce(sum((s.row->>'utilisation_payment_gbp')::numeric), 0)::text as utilisation_payment_gbp
    from settlement_row as s join newest as n on n.obp_id = s.obp_id and n.revision = s.revision`.execute(db);
  const sums = rows[0] ?? { rows: 0, payable_mwh: '0', utilisation_payment_gbp: '0' };
  return {
    rows: sums.rows,
    payable_mwh: fixed(decimal(sums.payable_mwh), VOLUME_PLACES),
    utilisation_payment_gbp: fixed(decimal(sums.utilisation_payment_gbp), MONEY_PLACES),
  };
}

/** The database keeps members in an order of its own. */
function inColumnOrder(row: SettlementValues): SettlementValues {
  return Object.fromEntries(SETTLEMENT_COLUMNS.map(([column]) => [column, row[column]])) as SettlementValues;
}

export function settlementReport(rows: readonly SettlementValues[], filter: ReportFilter): SettlementReport {
  const body = {
    filter,
    rows,
    totals: {
      by_bpp: grouped(rows, ['lead_party_id']) as SettlementReport['body']['totals']['by_bpp'],
      by_feeder_period: grouped(rows, [
        'feeder_id',
        'settlement_date',
        'settlement_period',
      ]) as SettlementReport['body']['totals']['by_feeder_period'],
    },
    control: {
      ...totalsOf(rows),
      orders: new Set(rows.map((row) => row.obp_id)).size,
      msid_pairs: new Set(rows.map((row) => row.import_msid)).size,
    },
  };
  return { body, sha256: sha256(canonicalize(body) ?? '') };
}

/** Sums of published figures, so that whoever adds up the rows gets the same. */
export function totalsOf(rows: readonly SettlementValues[]): Totals {
  return {
    rows: rows.length,
    instructed_mwh: fixed(total(rows, 'instructed_mwh'), VOLUME_PLACES),
    delivered_mwh: fixed(total(rows, 'delivered_mwh'), VOLUME_PLACES),
    payable_mwh: fixed(total(rows, 'payable_mwh'), VOLUME_PLACES),
    utilisation_payment_gbp: fixed(total(rows, 'utilisation_payment_gbp'), MONEY_PLACES),
    compensation_gbp: fixed(total(rows, 'compensation_gbp'), MONEY_PLACES),
  };
}

type Figure = 'instructed_mwh' | 'delivered_mwh' | 'payable_mwh' | 'utilisation_payment_gbp' | 'compensation_gbp';

function total(rows: readonly SettlementValues[], column: Figure): Big {
  return rows.reduce((sum, row) => sum.plus(decimal(row[column] as string)), ZERO);
}

type GroupColumn = 'lead_party_id' | 'feeder_id' | 'settlement_date' | 'settlement_period';

function grouped(rows: readonly SettlementValues[], columns: readonly GroupColumn[]): object[] {
  const groups = new Map<string, SettlementValues[]>();
  for (const row of rows) {
    const key = JSON.stringify(columns.map((column) => row[column]));
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return [...groups.values()].map((group) => ({
    ...Object.fromEntries(columns.map((column) => [column, group[0]?.[column]])),
    ...totalsOf(group),
  }));
}
