import { csvOf } from '@flexder/runtime/csv.ts';
import { SETTLEMENT_COLUMNS } from '../settlement/columns.ts';
import type { SettlementValues } from '../settlement/rows.ts';

/** Settlement rows as CSV (RFC 4180, UTF-8, header line). Text that a spreadsheet would run begins with an apostrophe. */
export function settlementCsv(rows: readonly SettlementValues[], options: { header?: boolean } = {}): string {
  return csvOf(SETTLEMENT_COLUMNS, rows, options);
}
