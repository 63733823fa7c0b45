/** A statement as CSV for a spreadsheet and as text for a letter. */
import { csvOf } from '@flexder/runtime/csv.ts';
import type { Statement, StatementLine } from './statement.ts';

const COLUMNS: readonly [keyof StatementLine, 'text' | 'number'][] = [
  ['obp_id', 'text'],
  ['beckn_order_id', 'text'],
  ['feeder_id', 'text'],
  ['start_at', 'text'],
  ['stop_at', 'text'],
  ['run_type', 'text'],
  ['revision', 'number'],
  ['meters', 'number'],
  ['periods', 'number'],
  ['missing_values', 'number'],
  ['instructed_mwh', 'number'],
  ['delivered_mwh', 'number'],
  ['payable_mwh', 'number'],
  ['performance', 'number'],
  ['price_gbp_per_mwh', 'number'],
  ['payment_gbp', 'number'],
];

/** One line an order; the totals are a spreadsheet's own affair. */
export function statementCsv({ body }: Statement): string {
  return csvOf(COLUMNS, body.orders as unknown as readonly Record<string, string | number>[]);
}

const SHOWN = [
  ['obp_id', 'order', 'left'],
  ['start_at', 'from (UTC)', 'left'],
  ['run_type', 'run', 'left'],
  ['instructed_mwh', 'instructed MWh', 'right'],
  ['delivered_mwh', 'delivered MWh', 'right'],
  ['payable_mwh', 'payable MWh', 'right'],
  ['performance', 'share', 'right'],
  ['price_gbp_per_mwh', '£/MWh', 'right'],
  ['payment_gbp', 'payment £', 'right'],
] as const;

export function statementText({ body, sha256 }: Statement): string {
  const totals: Record<string, string> = { ...body.totals, obp_id: 'total', orders: '' };
  const cells = [
    SHOWN.map(([, title]) => title),
    ...body.orders.map((line) => SHOWN.map(([column]) => String(line[column]))),
    SHOWN.map(([column]) => totals[column] ?? ''),
  ];
  const widths = SHOWN.map((_, index) => Math.max(...cells.map((row) => row[index]?.length ?? 0)));
  const lines = cells.map((row) =>
    row
      .map((cell, index) =>
        SHOWN[index]?.[2] === 'right' ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  const open =
    body.not_settled.length > 0 ? [`Not settled yet, and not in the total: ${body.not_settled.join(', ')}`] : [];
  return [
    `Statement of ${body.dso_id} for ${body.aggregator_id}, ${body.month} (settlement dates, London)`,
    '',
    ...lines,
    '',
    ...open,
    `SHA-256 of the statement: ${sha256}`,
    '',
  ].join('\n');
}
