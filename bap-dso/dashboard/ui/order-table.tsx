import { to } from '@flexder/runtime/page/address.ts';
import { kw, shortId, time } from '@flexder/runtime/page/format.ts';
import { Mark, Note } from '@flexder/runtime/page/parts.tsx';
import { type Column, Table } from '@flexder/runtime/page/table.tsx';
import type { OrderView } from '../../src/operator-api/orders/orders.ts';
import { fellShort, hasFailed, isClosed, nextOf } from '../state/derive.ts';
import { gridMs, wallMs } from '../state/store.ts';
import { pendingOf, wanted } from './changes.tsx';

const COLUMNS: readonly Column<OrderView>[] = [
  {
    head: 'Order',
    cell: (order) => (
      <a href={to('orders', order.obpId)} title={order.obpId}>
        {shortId(order.obpId)}
      </a>
    ),
  },
  {
    head: 'Feeder',
    cell: (order) => (
      <>
        {order.feederId} {order.topUp && <Note>top-up</Note>}
      </>
    ),
  },
  { head: 'Aggregator', cell: (order) => order.bppId },
  { head: 'Beckn step', cell: (order) => <Step order={order} /> },
  { head: 'Next', cell: (order) => <NextStep order={order} /> },
  {
    head: 'Window',
    cell: ({ window }) => <span class="number">{`${time(window.startMs)}–${time(window.endMs)}`}</span>,
  },
  { head: 'Promised kW', number: true, cell: (order) => kw(order.promisedKw) },
  {
    head: 'Acknowledged kW',
    number: true,
    cell: (order) => <Mark level={fellShort(order) ? 'watch' : 'normal'}>{kw(order.acknowledgedKw)}</Mark>,
  },
  { head: 'Measured kW', number: true, cell: (order) => kw(order.measuredKw) },
  { head: 'Devices', cell: (order) => <Devices order={order} /> },
];

export function OrderTable({ orders, empty }: { readonly orders: readonly OrderView[]; readonly empty: string }) {
  return (
    <Table
      label="Orders"
      columns={COLUMNS}
      rows={orders}
      keyOf={({ obpId }) => obpId}
      classOf={(order) => (isClosed(order) && !hasFailed(order) ? 'closed' : '')}
      empty={empty}
    />
  );
}

export function Step({ order }: { readonly order: OrderView }) {
  const pending = pendingOf(order);
  return (
    <>
      <Mark level={hasFailed(order) ? 'watch' : 'normal'}>{order.step}</Mark>{' '}
      <Note>{order.state.toLowerCase().replace('_', ' ')}</Note>
      {order.reason && <Note> {order.reason}</Note>}
      {pending && <Note> · {wanted(pending)} asked for</Note>}
    </>
  );
}

export function NextStep({ order }: { readonly order: OrderView }) {
  const { text, late } = nextOf(order, wallMs.value, gridMs.value);
  return (
    <span class="number">
      <Mark level={late ? 'watch' : 'normal'}>{text}</Mark>
    </span>
  );
}

function Devices({ order: { devices } }: { readonly order: OrderView }) {
  if (!devices) return <>–</>;
  const { commands, accepted, closed, silent } = devices;
  return (
    <span class="number">
      <Mark level={closed && silent > 0 ? 'watch' : 'normal'}>{`${accepted} of ${commands}`}</Mark>{' '}
      {!closed && <Note>waiting</Note>}
    </span>
  );
}
