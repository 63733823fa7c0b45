/** Devices, one a row; of many only those looked at are read and drawn. */

import { leftOutReasonText } from '@flexder/protocol/flexibility/left-out.ts';
import { to } from '@flexder/runtime/page/address.ts';
import { dateTime, kw, percent, plural, shortId } from '@flexder/runtime/page/format.ts';
import { Mark, Note } from '@flexder/runtime/page/parts.tsx';
import type { Column } from '@flexder/runtime/page/table.tsx';
import type { DerView } from '../../src/operator-api/ders/views.ts';
import type { Pages } from '../state/pages.ts';
import { PagedTable } from './paged-table.tsx';

export const TYPE_NAMES: Readonly<Record<string, string>> = {
  battery: 'Battery',
  'ev-charger': 'EV charger',
  'heat-pump': 'Heat pump',
};
export const typeName = (type: string | null): string => (type === null ? 'not told' : (TYPE_NAMES[type] ?? type));

const COLUMNS: readonly Column<DerView>[] = [
  {
    head: 'DER',
    cell: ({ derId, bppId }) => <a href={to('ders', derId, bppId === null ? {} : { bpp: bppId })}>{derId}</a>,
  },
  { head: 'Feeder', cell: ({ feederId }) => <a href={to('feeders', feederId)}>{feederId}</a> },
  { head: 'Type', cell: ({ deviceType }) => typeName(deviceType) },
  { head: 'Aggregator', cell: ({ bppId }) => bppId ?? <Note>not known</Note> },
  { head: 'Rated kW', number: true, cell: ({ ratedKw }) => kw(ratedKw) },
  { head: 'Asked for relief', cell: (der) => <Standing der={der} /> },
  {
    head: 'Last answer',
    cell: ({ orders: [last] }) => (last ? <AnswerMark answer={last.answer} /> : <Note>not asked yet</Note>),
  },
  { head: 'Consent', cell: (der) => <ConsentText der={der} /> },
  { head: 'kW asked', number: true, cell: ({ orders: [last] }) => kw(last?.askedKw) },
  { head: 'Last order', cell: ({ orders: [last] }) => (last ? <OrderLink obpId={last.obpId} /> : '–') },
  { head: 'Reliability', cell: (der) => <ReliabilityText der={der} /> },
];

export function DerTable({ pages, empty }: { readonly pages: Pages<DerView>; readonly empty: string }) {
  const keyOf = ({ derId, bppId }: DerView) => `${derId} ${bppId}`;
  return <PagedTable label="DERs" columns={COLUMNS} pages={pages} keyOf={keyOf} empty={empty} />;
}

export function OrderLink({ obpId }: { readonly obpId: string }) {
  return (
    <a href={to('orders', obpId)} title={obpId}>
      {shortId(obpId)}
    </a>
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
