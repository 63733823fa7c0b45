/** What to expect from the DSO, by day. */
import { kw, percent, pounds } from '@flexder/runtime/page/format.ts';
import { Panel, Title } from '@flexder/runtime/page/parts.tsx';
import { type Column, Table } from '@flexder/runtime/page/table.tsx';
import type { EarningView } from '../src/view/earnings.ts';
import type { Overview } from '../src/view/routes.ts';

export function Earnings({ state }: { readonly state: Overview }) {
  const total = state.earnings.reduce((sum, { earnedGbp }) => sum + earnedGbp, 0);
  return (
    <>
      <Title>Earnings</Title>
      <Panel id="earnings" title="By day" note="completed orders of 31 days; dates of London">
        <p>
          By our own meters, against the five minutes before each dispatch: less than what was promised earns less, more
          earns nothing. The DSO's settlement, by half hour and its published baseline, decides what is paid.
        </p>
        <Table
          label="Earnings by day"
          columns={COLUMNS}
          rows={state.earnings}
          keyOf={({ date }) => date}
          empty="No completed order yet."
        />
        {state.earnings.length > 0 && (
          <p class="number">
            <strong>{pounds(total)}</strong> in all
          </p>
        )}
      </Panel>
    </>
  );
}

const COLUMNS: readonly Column<EarningView>[] = [
  { head: 'Date', cell: ({ date }) => <span class="number">{date}</span> },
  { head: 'Orders', number: true, cell: ({ orders }) => orders },
  { head: 'Promised kWh', number: true, cell: ({ promisedKwh }) => kw(promisedKwh) },
  { head: 'Delivered kWh', number: true, cell: ({ deliveredKwh }) => kw(deliveredKwh) },
  {
    head: 'Of promised',
    number: true,
    cell: ({ promisedKwh, deliveredKwh }) => (promisedKwh > 0 ? percent(deliveredKwh / promisedKwh) : '–'),
  },
  { head: 'Earned', number: true, cell: ({ earnedGbp }) => pounds(earnedGbp) },
];
