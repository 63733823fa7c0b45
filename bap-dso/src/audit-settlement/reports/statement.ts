/** What one aggregator is paid for one month: an account of its orders, with totals that the lines add up to. */

import { decimal, fixed, MONEY_PLACES, sum, VOLUME_PLACES } from '@flexder/protocol/settlement/decimal.ts';
import canonicalize from 'canonicalize';
import { type Kysely, sql } from 'kysely';
import type { BapTables } from '../../tables.ts';
import { sha256 } from '../digest.ts';
import { MAX_STATEMENT_ORDERS } from '../limits.ts';
import { ReportTooLargeError } from './report.ts';

/** One order, as far as it lies in the month: sums of the published figures of its newest revision. */
export interface StatementLine {
  readonly obp_id: string;
  readonly beckn_order_id: string;
  readonly feeder_id: string;
  readonly start_at: string;
  readonly stop_at: string;
  readonly run_type: string;
  readonly revision: number;
  readonly meters: number;
  readonly periods: number;
  /** Meter values that were missing: nothing is paid for them. */
  readonly missing_values: number;
  readonly instructed_mwh: string;
  readonly delivered_mwh: string;
  readonly payable_mwh: string;
  /** Payable of instructed, 0 to 1, 4 places; for reading: the payment is by half hour. */
  readonly performance: string;
  readonly price_gbp_per_mwh: string;
  readonly payment_gbp: string;
}

export interface Statement {
  readonly body: {
    readonly kind: 'settlement-statement';
    readonly dso_id: string;
    readonly aggregator_id: string;
    /** `YYYY-MM`: London settlement dates. */
    readonly month: string;
    readonly orders: readonly StatementLine[];
    readonly totals: {
      readonly orders: number;
      readonly instructed_mwh: string;
      readonly delivered_mwh: string;
      readonly payable_mwh: string;
      readonly performance: string;
      readonly payment_gbp: string;
    };
    /** Completed orders whose window began in the month and that have no settlement yet: they are not in the totals. */
    readonly not_settled: readonly string[];
  };
  /** SHA-256 of the canonical JSON (RFC 8785) of `body`. */
  readonly sha256: string;
}

/** @param aggregator BPP subscriber id, or the id of its lead party */
export async function statementOf(
  db: Kysely<BapTables>,
  dsoId: string,
  aggregator: string,
  month: string,
): Promise<Statement> {
  const orders = (await linesOf(db, aggregator, month)).map(lineOf);
  const total = (column: 'instructed_mwh' | 'delivered_mwh' | 'payable_mwh' | 'payment_gbp') =>
    sum(orders.map((line) => decimal(line[column])));
  const body: Statement['body'] = {
    kind: 'settlement-statement',
    dso_id: dsoId,
    aggregator_id: aggregator,
    month,
    orders,
    totals: {
      orders: orders.length,
      instructed_mwh: fixed(total('instructed_mwh'), VOLUME_PLACES),
      delivered_mwh: fixed(total('delivered_mwh'), VOLUME_PLACES),
      payable_mwh: fixed(total('payable_mwh'), VOLUME_PLACES),
      performance: share(total('payable_mwh').toFixed(), total('instructed_mwh').toFixed()),
      payment_gbp: fixed(total('payment_gbp'), MONEY_PLACES),
    },
    not_settled: await notSettled(db, aggregator, month),
  };
  return { body, sha256: sha256(canonicalize(body) ?? '') };
}

type Line = Omit<StatementLine, 'performance'>;

async function linesOf(db: Kysely<BapTables>, aggregator: string, month: string): Promise<Line[]> {
  const total = (column: string) => sql`sum((s.row->>${sql.lit(column)})::numeric)::text`;
  const { rows } = await sql<Line>`
    with newest as materialized (select obp_id, max(revision) as revision from settlement_row group by obp_id)
    select s.obp_id, min(s.row->>'beckn_order_id') as beckn_order_id, min(s.row->>'feeder_id') as feeder_id,
      min(s.row->>'start_at') as start_at, min(s.row->>'stop_at') as stop_at, min(s.row->>'run_type') as run_type,
      max(s.revision)::int as revision, count(distinct s.import_msid)::int as meters,
      count(distinct (s.settlement_date, s.settlement_period))::int as periods,
      (count(*) filter (where s.row->>'data_quality' = 'MISSING'))::int as missing_values,
      ${total('instructed_mwh')} as instructed_mwh, ${total('delivered_mwh')} as delivered_mwh,
      ${total('payable_mwh')} as payable_mwh, min(s.row->>'utilisation_price_gbp_per_mwh') as price_gbp_per_mwh,
      ${total('utilisation_payment_gbp')} as payment_gbp
    from settlement_row as s join newest as n on n.obp_id = s.obp_id and n.revision = s.revision
      left join flex_order as o on o.obp_id = s.obp_id
    where s.settlement_date like ${`${month}-%`}
      and (o.bpp_id = ${aggregator} or s.row->>'lead_party_id' = ${aggregator})
    group by s.obp_id order by min(s.row->>'start_at'), s.obp_id limit ${MAX_STATEMENT_ORDERS + 1}`.execute(db);
  if (rows.length > MAX_STATEMENT_ORDERS)
    throw new ReportTooLargeError(`more than ${MAX_STATEMENT_ORDERS} orders of ${aggregator} are in ${month}`);
  return rows;
}

function lineOf(line: Line): StatementLine {
  const { price_gbp_per_mwh, payment_gbp, ...rest } = line;
  return {
    ...rest,
    instructed_mwh: fixed(decimal(line.instructed_mwh), VOLUME_PLACES),
    delivered_mwh: fixed(decimal(line.delivered_mwh), VOLUME_PLACES),
    payable_mwh: fixed(decimal(line.payable_mwh), VOLUME_PLACES),
    performance: share(line.payable_mwh, line.instructed_mwh),
    price_gbp_per_mwh,
    payment_gbp: fixed(decimal(payment_gbp), MONEY_PLACES),
  };
}

const share = (part: string, whole: string) =>
  decimal(whole).eq(0) ? '0.0000' : fixed(decimal(part).div(decimal(whole)), 4);

async function notSettled(db: Kysely<BapTables>, aggregator: string, month: string): Promise<string[]> {
  const { rows } = await sql<{ obp_id: string }>`
    select o.obp_id from flex_order as o
    where o.bpp_id = ${aggregator} and o.state = 'COMPLETED'
      and to_char(to_timestamp((o.selection->'window'->>'startMs')::float8 / 1000) at time zone 'Europe/London', 'YYYY-MM')
        = ${month}
      and not exists (select 1 from settlement_row as s where s.obp_id = o.obp_id)
    order by o.obp_id limit ${MAX_STATEMENT_ORDERS}`.execute(db);
  return rows.map(({ obp_id }) => obp_id);
}
