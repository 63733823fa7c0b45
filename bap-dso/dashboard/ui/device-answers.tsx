/** Single devices of an event; of many only those looked at are read and drawn. */
import { to } from '@flexder/runtime/page/address.ts';
import { kw, timeOfDay } from '@flexder/runtime/page/format.ts';
import { Problem } from '@flexder/runtime/page/parts.tsx';
import type { Column } from '@flexder/runtime/page/table.tsx';
import { useState } from 'preact/hooks';
import type { DeviceAnswerView } from '../../src/operator-api/events/devices.ts';
import { usePages } from '../state/pages.ts';
import { AnswerMark, OrderLink, typeName } from './der-table.tsx';
import { PagedTable } from './paged-table.tsx';

const COLUMNS: readonly Column<DeviceAnswerView>[] = [
  { head: 'DER', cell: ({ derId, bppId }) => <a href={to('ders', derId, { bpp: bppId })}>{derId}</a> },
  { head: 'Type', cell: ({ deviceType }) => typeName(deviceType) },
  { head: 'Aggregator', cell: ({ bppId }) => bppId },
  { head: 'Order', cell: ({ obpId }) => <OrderLink obpId={obpId} /> },
  { head: 'kW asked', number: true, cell: ({ askedKw }) => kw(askedKw) },
  {
    head: 'Answer',
    cell: ({ answer, reason }) => <AnswerMark answer={answer} {...(reason !== null && { reason })} />,
  },
  { head: 'Told at, wall time', cell: ({ toldMs }) => (toldMs === null ? '–' : timeOfDay(toldMs)) },
];

/** Read when it is opened. */
export function DeviceAnswers({ eventId, version }: { readonly eventId: string; readonly version: number }) {
  const [open, setOpen] = useState(false);
  return (
    <details class="answers" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Answers of single devices</summary>
      {open && <Answers eventId={eventId} version={version} />}
    </details>
  );
}

function Answers({ eventId, version }: { readonly eventId: string; readonly version: number }) {
  const pages = usePages<DeviceAnswerView>(`/api/v1/events/${encodeURIComponent(eventId)}/devices`, rowsOf, version);
  if (pages.problem) return <Problem problem={pages.problem} />;
  if (pages.total === undefined) return <p role="status">Reading…</p>;
  return (
    <>
      <p class="note number">
        {pages.total.toLocaleString('en-GB')} told by their aggregators; of a device its latest ten orders are
        remembered
      </p>
      <PagedTable
        label="Answers of single devices"
        columns={COLUMNS}
        pages={pages}
        keyOf={({ derId, obpId }) => `${derId} ${obpId}`}
        empty="No aggregator has told of a single device yet."
      />
    </>
  );
}

const rowsOf = ({ devices, total }: { readonly devices: readonly DeviceAnswerView[]; readonly total: number }) => ({
  rows: devices,
  total,
});
