/** Settlement rows in the database: revisions that follow each other, and the records of them. */

import { decimal, sum } from '@flexder/protocol/settlement/decimal.ts';
import type { UnitOfWork } from '@flexder/runtime/participant/types.ts';
import canonicalize from 'canonicalize';
import { type SqlBool, sql } from 'kysely';
import type { BapTables } from '../../tables.ts';
import { sha256 } from '../digest.ts';
import { INSERT_ROWS } from '../limits.ts';
import type { OrderRow } from './order-facts.ts';
import type { SettlementValues } from './rows.ts';

export async function newestRevision(work: UnitOfWork<BapTables>, obpId: string) {
  const found = await work.db
    .selectFrom('settlement_row')
    .select(['row', 'revision'])
    .where('obp_id', '=', obpId)
    .where(sql<SqlBool>`revision = (select max(n.revision) from settlement_row as n where n.obp_id = ${obpId})`)
    .orderBy('settlement_date')
    .orderBy('settlement_period')
    .orderBy('import_msid')
    .execute();
  return {
    revision: Number(found[0]?.revision ?? 0),
    rows: found.map(({ row }) => row as unknown as SettlementValues),
  };
}

/** All that a row says but its revision. */
export function figuresOf(rows: readonly SettlementValues[]): string {
  return canonicalize(rows.map((row) => ({ ...row, report_version: 0 }))) ?? '';
}

export async function insertRows(
  work: UnitOfWork<BapTables>,
  rows: readonly SettlementValues[],
  revision: number,
): Promise<void> {
  for (let start = 0; start < rows.length; start += INSERT_ROWS) {
    const values = rows.slice(start, start + INSERT_ROWS).map((row) => ({
      obp_id: String(row.obp_id),
      import_msid: String(row.import_msid),
      settlement_date: String(row.settlement_date),
      settlement_period: Number(row.settlement_period),
      revision,
      row: JSON.stringify(row),
    }));
    await work.db.insertInto('settlement_row').values(values).execute();
  }
}

interface How {
  readonly revision: number;
  readonly runType: string;
  readonly curve: string;
  readonly baseline: string;
}

/** One record a settlement period, with the hash of its rows. */
export async function recordRows(
  work: UnitOfWork<BapTables>,
  order: OrderRow,
  rows: readonly SettlementValues[],
  how: How,
): Promise<void> {
  const periods = new Map<string, SettlementValues[]>();
  for (const row of rows) {
    const key = `${row.settlement_date}/${row.settlement_period}`;
    const ofPeriod = periods.get(key);
    if (ofPeriod) ofPeriod.push(row);
    else periods.set(key, [row]);
  }
  for (const ofPeriod of periods.values()) {
    const total = (column: 'instructed_mwh' | 'delivered_mwh' | 'payable_mwh' | 'utilisation_payment_gbp') =>
      sum(ofPeriod.map((row) => decimal(String(row[column])))).toFixed();
    const first = ofPeriod[0];
    await work.audit({
      event_type: 'settlement.computed',
      obp_id: order.obp_id,
      ...(order.order_id !== null && { order_id: order.order_id }),
      event_id: order.event_id,
      feeder_id: order.feeder_id,
      counterparty_id: order.bpp_id,
      transaction_id: order.transaction_id,
      settlement_date: String(first?.settlement_date),
      settlement_period: Number(first?.settlement_period),
      rule_id: 'settlement',
      rule_version: '1',
      rule_inputs: { ...how, rows: ofPeriod.length, instructed_mwh: total('instructed_mwh') },
      payload_sha256: sha256(canonicalize(ofPeriod) ?? ''),
      decision: `delivered ${total('delivered_mwh')} MWh, payable ${total('payable_mwh')} MWh, payment £${total('utilisation_payment_gbp')}`,
    });
  }
}
