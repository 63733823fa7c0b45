/** What the DSOs pay, by day, and what of it is the consumers'. */
import { kw, percent, plural, pounds } from '@flexder/runtime/page/format.ts';
import { Panel, Title } from '@flexder/runtime/page/parts.tsx';
import { type Column, Table } from '@flexder/runtime/page/table.tsx';
import type { EarningView } from '../src/view/earnings.ts';
import type { Overview } from '../src/view/routes.ts';

export function Earnings({ state }: { readonly state: Overview }) {
  const { earnings, earningsWaiting } = state;
  const total = (member: 'paid_gbp' | 'earned_gbp' | 'kept_gbp') =>
    pounds(earnings.reduce((sum, day) => sum + Number(day[member]), 0));
  return (
    <>
      <Title>Earnings</Title>
      <Panel id="earnings" title="By day" note="completed orders of 31 days; dates of London">
        <p>
          By half hour, against the settlement’s baseline and at what was agreed at each time: the lines of the
          statement, and what a DSO’s settlement of the same meters says.
        </p>
        {earningsWaiting > 0 && (
          <p class="note" role="status">
            {plural(earningsWaiting, 'order is', 'orders are')} not reckoned yet.
          </p>
        )}
        <Table
          label="Earnings by day"
          columns={COLUMNS}
          rows={earnings}
          keyOf={({ date }) => date}
          empty="No completed order yet."
        />
        {earnings.length > 0 && (
          <p class="number">
            <strong>{total('paid_gbp')}</strong> in all: {total('earned_gbp')} the consumers’, {total('kept_gbp')} kept
          </p>
        )}
      </Panel>
    </>
  );
}

const COLUMNS: readonly Column<EarningView>[] = [
  { head: 'Date', cell: ({ date }) => <span class="number">{date}</span> },
  { head: 'Orders', number: true, cell: ({ orders }) => orders },
  { head: 'Agreed kWh', number: true, cell: ({ agreedKwh }) => kw(agreedKwh) },
  { head: 'Delivered kWh, own meters', number: true, cell: ({ deliveredKwh }) => kw(deliveredKwh) },
  {
    head: 'Of agreed',
    number: true,
    cell: ({ agreedKwh, deliveredKwh }) => (agreedKwh > 0 ? percent(deliveredKwh / agreedKwh) : '–'),
  },
  { head: 'Payable kWh', number: true, cell: ({ payable_mwh }) => kw(Number(payable_mwh) * 1_000) },
  { head: 'DSOs pay', number: true, cell: ({ paid_gbp }) => pounds(paid_gbp) },
  { head: 'Consumers’', number: true, cell: ({ earned_gbp }) => pounds(earned_gbp) },
  { head: 'Kept', number: true, cell: ({ kept_gbp }) => pounds(kept_gbp) },
];
