/** The record of an order in the order it happened, Beckn messages among it; each whole on demand. */
import type { AuditRecord } from '@flexder/protocol/audit/record.ts';
import { to } from '@flexder/runtime/page/address.ts';
import { kw, timeOfDay } from '@flexder/runtime/page/format.ts';
import { Note, Panel, Raw, Reading } from '@flexder/runtime/page/parts.tsx';
import { type Column, Table } from '@flexder/runtime/page/table.tsx';
import type { Live } from '../state/model.ts';
import { useRead } from '../state/read.ts';

const SHOWN = 500;

export const RECORD_COLUMNS: readonly Column<AuditRecord>[] = [
  { head: 'No', number: true, cell: ({ seq }) => seq },
  {
    head: 'Wall time',
    cell: ({ ts_utc }) => (
      <span class="number" title={ts_utc}>
        {timeOfDay(Date.parse(ts_utc))}
      </span>
    ),
  },
  {
    head: 'What',
    cell: (record) => (
      <>
        <strong>{record.event_type}</strong> {record.beckn_action} {record.code && <Note>{record.code}</Note>}
      </>
    ),
  },
  {
    head: 'Who',
    cell: (record) => (
      <>
        {record.actor_role === 'OPERATOR' ? record.actor_id : record.actor_role}
        {record.counterparty_id && <Note> with {record.counterparty_id}</Note>}
      </>
    ),
  },
  { head: 'About', cell: (record) => <About record={record} /> },
  { head: 'Decision', cell: (record) => <span class="wrap">{record.decision ?? figures(record)}</span> },
  { head: 'Raw', cell: (record) => <Raw of={record} /> },
];

function About({ record: { feeder_id, event_id, obp_id } }: { readonly record: AuditRecord }) {
  return (
    <>
      {feeder_id && (event_id ? <a href={to('events', event_id)}>{feeder_id}</a> : feeder_id)}{' '}
      {obp_id && (
        <a href={to('orders', obp_id)} title={obp_id}>
          order
        </a>
      )}
    </>
  );
}

function figures({ requested_kw, committed_kw, delivered_kw }: AuditRecord): string {
  const parts = [
    ...(requested_kw === undefined ? [] : [`asked ${kw(requested_kw)} kW`]),
    ...(committed_kw === undefined ? [] : [`promised ${kw(committed_kw)} kW`]),
    ...(delivered_kw === undefined ? [] : [`delivered ${kw(delivered_kw)} kW`]),
  ];
  return parts.join(', ');
}

export function Timeline({ state, obpId }: { readonly state: Live; readonly obpId: string }) {
  const newest = state.audit.findLast((record) => record.obp_id === obpId)?.seq ?? 0;
  const path = `/api/v1/audit?obp_id=${encodeURIComponent(obpId)}&limit=${SHOWN}`;
  const read = useRead<{ records: AuditRecord[]; nextAfter: number | null }>(path, newest);
  return (
    <Panel id="timeline" title="Timeline" note="every record, oldest first">
      <Reading of={read}>
        {({ records, nextAfter }) => (
          <>
            <Table
              label="Timeline"
              columns={RECORD_COLUMNS}
              rows={records}
              keyOf={({ hash }) => hash}
              empty="No record yet."
            />
            {nextAfter !== null && <p class="note">The first {SHOWN} records; the rest is on the audit screen.</p>}
          </>
        )}
      </Reading>
    </Panel>
  );
}
