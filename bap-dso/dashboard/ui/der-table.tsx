/** Devices, one a row; of many only those looked at are read and drawn. */

import { leftOutReasonText } from '@flexder/protocol/flexibility/left-out.ts';
import { to } from '@flexder/runtime/page/address.ts';
import { dateTime, kw, percent, plural, shortId } from '@flexder/runtime/page/format.ts';
import { Mark, Note } from '@flexder/runtime/page/parts.tsx';
import { type Column, Table } from '@flexder/runtime/page/table.tsx';
import type { DerView } from '../../src/operator-api/ders/views.ts';
import type { Pages } from '../state/pages.ts';

export const TYPE_NAMES: Readonly<Record<string, string>> = {
  battery: 'Battery',
  'ev-charger': 'EV charger',
  'heat-pump': 'Heat pump',
};
export const typeName = (type: string | null): string => (type === null ? 'not told' : (TYPE_NAMES[type] ?? type));

/** A row that is on its way. */
interface Coming {
  readonly coming: number;
}
type Line = DerView | Coming;

const isHere = (line: Line): line is DerView => !('coming' in line);
const column = (head: string, cell: (der: DerView) => preact.ComponentChildren, number = false): Column<Line> => ({
  ...{ head, number },
  cell: (line) => (isHere(line) ? cell(line) : head === 'DER' ? <Note>Reading…</Note> : ''),
});

const COLUMNS: readonly Column<Line>[] = [
  column('DER', ({ derId, bppId }) => <a href={to('ders', derId, bppId === null ? {} : { bpp: bppId })}>{derId}</a>),
  column('Feeder', ({ feederId }) => <a href={to('feeders', feederId)}>{feederId}</a>),
  column('Type', ({ deviceType }) => typeName(deviceType)),
  column('Aggregator', ({ bppId }) => bppId ?? <Note>not known</Note>),
  column('Rated kW', ({ ratedKw }) => kw(ratedKw), true),
  column('Asked for relief', (der) => <Standing der={der} />),
  column('Last answer', ({ orders: [last] }) =>
    last ? <AnswerMark answer={last.answer} /> : <Note>not asked yet</Note>,
  ),
  column('Consent', (der) => <ConsentText der={der} />),
  column('kW asked', ({ orders: [last] }) => kw(last?.askedKw), true),
  column('Last order', ({ orders: [last] }) =>
    last ? (
      <a href={to('orders', last.obpId)} title={last.obpId}>
        {shortId(last.obpId)}
      </a>
    ) : (
      '–'
    ),
  ),
  column('Reliability', (der) => <ReliabilityText der={der} />),
];

export function DerTable({ pages, empty }: { readonly pages: Pages<DerView>; readonly empty: string }) {
  const rows = Array.from({ length: pages.total ?? 0 }, (_, index): Line => pages.rows.get(index) ?? { coming: index });
  return (
    <Table
      label="DERs"
      columns={COLUMNS}
      rows={rows}
      keyOf={(line) => (isHere(line) ? `${line.derId} ${line.bppId}` : `coming ${line.coming}`)}
      seen={pages.need}
      empty={empty}
    />
  );
}

export function Standing({ der: { excluded, serving, essential } }: { readonly der: DerView }) {
  if (excluded) return <Mark level="watch">excluded by {excluded.by}</Mark>;
  if (essential) return <>no: essential load</>;
  return <>{serving ? 'yes, serving now' : 'yes'}</>;
}

const ANSWER_NAMES: Readonly<Record<string, string>> = {
  ACCEPTED: 'accepted',
  REJECTED: 'rejected',
  OPTED_OUT: 'opted out',
  EXPIRED: 'came too late',
  SILENT: 'silent',
};

export function AnswerMark({ answer, reason }: { readonly answer: string; readonly reason?: string }) {
  return (
    <>
      <Mark level={answer === 'ACCEPTED' ? 'normal' : 'watch'}>{ANSWER_NAMES[answer] ?? answer}</Mark>
      {reason !== undefined && <Note> {leftOutReasonText(reason)}</Note>}
    </>
  );
}

/** Where the column comes from, and from when: nobody tells the DSO of a single consent. */
export const CONSENT_NOTE = 'consent as of its last order, by what its aggregator did then';

export function ConsentText({ der: { consent } }: { readonly der: DerView }) {
  const { state, atMs } = consent;
  if (state === 'unknown') return <Note>unknown</Note>;
  return (
    <span title={atMs === null ? CONSENT_NOTE : `in the window from ${dateTime(atMs)}`}>
      <Mark level={state === 'withdrawn' ? 'watch' : 'normal'}>{state}</Mark>
    </span>
  );
}

export function ReliabilityText({ der: { reliability } }: { readonly der: DerView }) {
  if (!reliability) return <>–</>;
  const { share, of, orders } = reliability;
  return (
    <span class="number">
      {percent(share)} {of} <Note>{plural(orders, 'order')}</Note>
    </span>
  );
}
