/** Changes that were asked of aggregators: by whom, why, and what was answered. Until one is agreed the order stands. */
import { to } from '@flexder/runtime/page/address.ts';
import { duration, kw, time, timeOfDay, withTimes } from '@flexder/runtime/page/format.ts';
import { type Level, Mark, Note, Panel } from '@flexder/runtime/page/parts.tsx';
import { type Column, Table } from '@flexder/runtime/page/table.tsx';
import type { OrderChangeView } from '../../src/operator-api/orders/order-changes.ts';
import type { OrderView } from '../../src/operator-api/orders/orders.ts';
import { wallMs } from '../state/store.ts';

interface Row {
  readonly order: OrderView;
  readonly change: OrderChangeView;
}

const STATES: Readonly<Record<OrderChangeView['state'], readonly [string, Level]>> = {
  ASKED: ['asked', 'normal'],
  AGREED: ['agreed', 'normal'],
  REFUSED: ['refused', 'watch'],
  UNANSWERED: ['not answered', 'watch'],
};

/** What was asked for, as a text: `40.0 kW, 17:00–17:45`. */
export function wanted({ kw: asked, window }: OrderChangeView): string {
  const parts = [
    ...(asked === null ? [] : [`${kw(asked)} kW`]),
    ...(window === null ? [] : [`${time(window.startMs)}–${time(window.endMs)}`]),
  ];
  return parts.join(', ');
}

export const pendingOf = ({ changes }: OrderView): OrderChangeView | undefined =>
  changes.find(({ state }) => state === 'ASKED');

const COLUMNS: readonly Column<Row>[] = [
  {
    head: 'Wall time',
    cell: ({ change }) => <span class="number">{timeOfDay(change.askedWallMs)}</span>,
  },
  { head: 'Asked for', cell: ({ change }) => <span class="number">{wanted(change)}</span> },
  {
    head: 'By',
    cell: ({ change }) => (
      <span class="wrap">
        {change.by} <Note>{change.reason}</Note>
      </span>
    ),
  },
  { head: 'It is', cell: ({ change }) => <State of={change} /> },
  {
    head: 'Answer',
    cell: ({ change }) => <span class="wrap">{change.answer === null ? '–' : withTimes(change.answer)}</span>,
  },
];

const OF_ORDER: Column<Row> = {
  head: 'Order of',
  cell: ({ order }) => (
    <a href={to('orders', order.obpId)} title={order.obpId}>
      {order.bppId}
    </a>
  ),
};

function State({ of: { state, askedWallMs, answeredWallMs } }: { readonly of: OrderChangeView }) {
  const [word, level] = STATES[state];
  return (
    <>
      <Mark level={level}>{word}</Mark>{' '}
      <Note>
        {answeredWallMs === null
          ? `for ${duration(wallMs.value - askedWallMs)}: the order stands as it was`
          : timeOfDay(answeredWallMs)}
      </Note>
    </>
  );
}

/** Of one order, or of all orders of an event. */
export function Changes({ orders, of }: { readonly orders: readonly OrderView[]; readonly of: 'order' | 'event' }) {
  const rows = orders
    .flatMap((order) => order.changes.map((change) => ({ order, change })))
    .sort((a, b) => b.change.askedWallMs - a.change.askedWallMs);
  return (
    <Panel id="changes" title="Changes asked for" note="newest first; kW of reduction">
      <Table
        label="Changes"
        columns={of === 'event' ? [OF_ORDER, ...COLUMNS] : COLUMNS}
        rows={rows}
        keyOf={({ change }) => change.changeId}
        empty={`No other kW and no other window was asked for: ${of === 'event' ? 'each order' : 'it'} stands as it was confirmed.`}
      />
    </Panel>
  );
}
