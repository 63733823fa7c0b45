/** What is owed to whom, by half hour. */

import { day, plural, pounds } from '@flexder/runtime/page/format.ts';
import { Note, Panel, Reading, Title } from '@flexder/runtime/page/parts.tsx';
import { type Column, Table } from '@flexder/runtime/page/table.tsx';
import { useState } from 'preact/hooks';
import type { SettlementReport, Totals } from '../../src/audit-settlement/reports/report.ts';
import { useRead } from '../state/read.ts';
import { gridMs } from '../state/store.ts';

/** Where the dates begin: what is settled lately is what is asked for. */
const LOOKED_BACK_MS = 7 * 86_400_000;
const SHOWN = 500;

type Period = SettlementReport['body']['totals']['by_feeder_period'][number];
type Party = SettlementReport['body']['totals']['by_bpp'][number];

const figures = <T extends Totals>(): readonly Column<T>[] => [
  { head: 'Rows', number: true, cell: ({ rows }) => rows },
  { head: 'Instructed MWh', number: true, cell: (row) => row.instructed_mwh },
  { head: 'Delivered MWh', number: true, cell: (row) => row.delivered_mwh },
  { head: 'Payable MWh', number: true, cell: (row) => row.payable_mwh },
  { head: 'Utilisation', number: true, cell: (row) => pounds(row.utilisation_payment_gbp) },
  { head: 'Compensation', number: true, cell: (row) => pounds(row.compensation_gbp) },
];

const PERIODS: readonly Column<Period>[] = [
  { head: 'Date', cell: (row) => <span class="number">{row.settlement_date}</span> },
  {
    head: 'Period',
    cell: (row) => (
      <span class="number">
        {row.settlement_period} <Note>{halfHour(row.settlement_period)}</Note>
      </span>
    ),
  },
  { head: 'Feeder', cell: (row) => row.feeder_id },
  ...figures<Period>(),
];
const PARTIES: readonly Column<Party>[] = [
  { head: 'Lead party', cell: (row) => row.lead_party_id },
  ...figures<Party>(),
];

/** When a period begins; on the two days of a clock change from the change on an hour beside it. */
function halfHour(period: number): string {
  const minutes = (period - 1) * 30;
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}

export function Settlement() {
  const [from, setFrom] = useState(() => day(gridMs.value - LOOKED_BACK_MS));
  const [until, setUntil] = useState(() => day(gridMs.value));
  const dates = new URLSearchParams({ ...(from && { from }), ...(until && { to: until }) }).toString();
  const read = useRead<SettlementReport>(`/api/v1/settlement.json?${dates}`);
  return (
    <>
      <Title>Settlement</Title>
      <div class="search">
        <label>
          From <input type="date" value={from} onChange={(event) => setFrom(event.currentTarget.value)} />
        </label>
        <label>
          until <input type="date" value={until} onChange={(event) => setUntil(event.currentTarget.value)} />
        </label>
        <a href={`/api/v1/settlement.csv?${dates}`}>CSV</a>
        <a href={`/api/v1/settlement.json?${dates}`}>JSON</a>
      </div>
      <Reading of={read}>{(report) => <Report report={report} />}</Reading>
    </>
  );
}

function Report({ report: { body, sha256 } }: { readonly report: SettlementReport }) {
  const { control, totals } = body;
  const periods = totals.by_feeder_period.slice(0, SHOWN);
  return (
    <>
      <Panel
        id="totals"
        title="By aggregator"
        note={`${plural(control.orders, 'order')}, ${plural(control.msid_pairs, 'meter')}`}
      >
        <Table
          label="By aggregator"
          columns={PARTIES}
          rows={totals.by_bpp}
          keyOf={(row) => row.lead_party_id}
          empty="Nothing was settled in these days."
        />
        <p>
          Together <strong class="number">{control.payable_mwh} MWh</strong> payable,{' '}
          <strong class="number">{pounds(control.utilisation_payment_gbp)}</strong>.{' '}
          <Note>SHA-256 of the report {sha256.slice(0, 16)}…</Note>
        </p>
      </Panel>
      <Panel id="periods" title="By half hour" note="London settlement periods">
        <Table
          label="By half hour"
          columns={PERIODS}
          rows={periods}
          keyOf={(row) => `${row.settlement_date} ${row.settlement_period} ${row.feeder_id}`}
          empty="Nothing was settled in these days."
        />
        {totals.by_feeder_period.length > SHOWN && <p class="note">The first {SHOWN}; all are in the CSV.</p>}
      </Panel>
    </>
  );
}
