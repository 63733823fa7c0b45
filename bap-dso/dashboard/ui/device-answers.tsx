/** Single devices of an event; of many only those looked at are read and drawn. */
import { to } from '@flexder/runtime/page/address.ts';
import { kw, shortId, timeOfDay } from '@flexder/runtime/page/format.ts';
import { Note, Problem } from '@flexder/runtime/page/parts.tsx';
import { type Column, Table } from '@flexder/runtime/page/table.tsx';
import { useState } from 'preact/hooks';
import type { DeviceAnswerView } from '../../src/operator-api/events/devices.ts';
import { usePages } from '../state/pages.ts';
import { AnswerMark, typeName } from './der-table.tsx';

/** A row that is on its way. */
interface Coming {
  readonly coming: number;
}
type Line = DeviceAnswerView | Coming;
const isHere = (line: Line): line is DeviceAnswerView => !('coming' in line);
const column = (
  head: string,
  cell: (one: DeviceAnswerView) => preact.ComponentChildren,
  number = false,
): Column<Line> => ({
  ...{ head, number },
  cell: (line) => (isHere(line) ? cell(line) : head === 'DER' ? <Note>Reading…</Note> : ''),
});

const COLUMNS: readonly Column<Line>[] = [
  column('DER', ({ derId, bppId }) => <a href={to('ders', derId, { bpp: bppId })}>{derId}</a>),
  column('Type', ({ deviceType }) => typeName(deviceType)),
  column('Aggregator', ({ bppId }) => bppId),
  column('Order', ({ obpId }) => (
    <a href={to('orders', obpId)} title={obpId}>
      {shortId(obpId)}
    </a>
  )),
  column('kW asked', ({ askedKw }) => kw(askedKw), true),
  column('Answer', ({ answer }) => <AnswerMark answer={answer} />),
  column('Told at, wall time', ({ toldMs }) => (toldMs === null ? '–' : timeOfDay(toldMs))),
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
  const rows = Array.from({ length: pages.total }, (_, index): Line => pages.rows.get(index) ?? { coming: index });
  return (
    <>
      <p class="note number">
        {pages.total.toLocaleString('en-GB')} told by their aggregators; of a device its latest ten orders are
        remembered
      </p>
      <Table
        label="Answers of single devices"
        columns={COLUMNS}
        rows={rows}
        keyOf={(line) => (isHere(line) ? `${line.derId} ${line.obpId}` : `coming ${line.coming}`)}
        seen={pages.need}
        empty="No aggregator has told of a single device yet."
      />
    </>
  );
}

const rowsOf = ({ devices, total }: { readonly devices: readonly DeviceAnswerView[]; readonly total: number }) => ({
  rows: devices,
  total,
});
