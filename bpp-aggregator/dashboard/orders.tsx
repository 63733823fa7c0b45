/** What was sold, step by step, and how each device answered. */
import { to } from '@flexder/runtime/page/address.ts';
import { dateTime, kw, plural, pounds, shortId, time, timeOfDay } from '@flexder/runtime/page/format.ts';
import { Facts, Mark, Note, Panel, Reading, Title } from '@flexder/runtime/page/parts.tsx';
import { type Column, Table } from '@flexder/runtime/page/table.tsx';
import type { CommandView, SoldOrderView } from '../src/view/orders.ts';
import type { Overview } from '../src/view/routes.ts';
import { isOver, wasSold } from './derive.ts';
import { useDetail } from './store.ts';

export function Orders({ state }: { readonly state: Overview }) {
  return (
    <>
      <Title>Orders</Title>
      <Panel id="all-orders" title="Quotes and orders, newest first" note="kW of reduction">
        <OrderTable orders={state.orders} empty="Nobody has asked for a quote yet." />
      </Panel>
    </>
  );
}

export function OrderTable({ orders, empty }: { readonly orders: readonly SoldOrderView[]; readonly empty: string }) {
  return (
    <Table
      label="Orders"
      columns={COLUMNS}
      rows={orders}
      keyOf={({ orderId, bapId, feederId, windowStartMs, promisedKw }) =>
        orderId ?? `${bapId}/${feederId}/${windowStartMs}/${promisedKw}`
      }
      classOf={(order) => (isOver(order) ? 'closed' : '')}
      empty={empty}
    />
  );
}

const COLUMNS: readonly Column<SoldOrderView>[] = [
  {
    head: 'Order',
    cell: ({ orderId }) =>
      orderId === null ? (
        <Note>quote</Note>
      ) : (
        <a href={to('orders', orderId)} title={orderId}>
          {shortId(orderId)}
        </a>
      ),
  },
  { head: 'Sold to', cell: ({ bapId }) => bapId },
  { head: 'Feeder', cell: ({ feederId }) => feederId },
  { head: 'State', cell: (order) => <State order={order} /> },
  {
    head: 'Window',
    cell: ({ windowStartMs, windowEndMs }) => (
      <span class="number">{`${time(windowStartMs)}–${time(windowEndMs)}`}</span>
    ),
  },
  { head: 'Promised kW', number: true, cell: ({ promisedKw }) => kw(promisedKw) },
  { head: 'Acknowledged kW', number: true, cell: ({ acknowledgedKw }) => kw(acknowledgedKw) },
  {
    head: 'Measured kW',
    number: true,
    cell: ({ measuredKw, short }) => <Mark level={short ? 'watch' : 'normal'}>{kw(measuredKw)}</Mark>,
  },
  { head: 'Devices', cell: (order) => <Answers order={order} /> },
  { head: 'DSO pays', number: true, cell: ({ paidGbp }) => (paidGbp === null ? '–' : pounds(paidGbp)) },
];

function State({ order }: { readonly order: SoldOrderView }) {
  const words = order.state.toLowerCase().replace('_', ' ');
  return (
    <Mark level={order.short && !isOver(order) ? 'watch' : 'normal'}>
      {words}
      {order.short && ', short'}
    </Mark>
  );
}

function Answers({ order: { devices } }: { readonly order: SoldOrderView }) {
  if (devices.commands === 0) return <>–</>;
  const { commands, accepted, closed } = devices;
  return (
    <span class="number">
      <Mark level={closed && accepted < commands ? 'watch' : 'normal'}>{`${accepted} of ${commands}`}</Mark>{' '}
      {!closed && <Note>waiting</Note>}
    </span>
  );
}

export function OrderScreen({ state, id }: { readonly state: Overview; readonly id: string }) {
  const order = state.orders.find(({ orderId }) => orderId === id);
  const read = useDetail<{ readonly commands: readonly CommandView[] }>(
    `/api/v1/view/orders/${encodeURIComponent(id)}`,
  );
  return (
    <>
      <Title>Order {shortId(id)}</Title>
      {order && <Summary order={order} />}
      <Panel id="commands" title="Commands and answers" note="kW, import positive">
        <Reading of={read}>
          {({ commands }) => (
            <Table
              label="Commands"
              columns={COMMAND_COLUMNS}
              rows={commands}
              keyOf={({ derId, type }) => `${derId}/${type}`}
              empty="No device was commanded for it."
            />
          )}
        </Reading>
      </Panel>
    </>
  );
}

function Summary({ order }: { readonly order: SoldOrderView }) {
  const { devices } = order;
  const answered = ['accepted', 'rejected', 'optedOut', 'expired', 'silent'] as const;
  const words = {
    accepted: 'accepted',
    rejected: 'rejected',
    optedOut: 'opted out',
    expired: 'too late',
    silent: 'silent',
  };
  return (
    <Panel id="order" title="What was sold" note="kW of reduction">
      <Facts
        of={[
          ['Sold to', order.bapId],
          ['Feeder', order.feederId],
          ['State', <State key="state" order={order} />],
          ['Window', `${dateTime(order.windowStartMs)} to ${time(order.windowEndMs)}`],
          [
            'Promised',
            `${kw(order.promisedKw)} kW${order.revision > 0 ? `, after ${plural(order.revision, 'change')}` : ''}`,
          ],
          ['Acknowledged', `${kw(order.acknowledgedKw)} kW`],
          ['Measured', `${kw(order.measuredKw)} kW`],
          ['Answers', answered.map((name) => `${words[name]} ${devices[name]}`).join(', ')],
          ['DSO pays', order.paidGbp === null ? 'not yet' : pounds(order.paidGbp)],
          ['Rated', order.rating === null ? (wasSold(order) ? 'not yet' : '–') : `${order.rating} of 5`],
        ]}
      />
    </Panel>
  );
}

const COMMAND_COLUMNS: readonly Column<CommandView>[] = [
  { head: 'Device', cell: ({ derId }) => derId },
  { head: 'Command', cell: ({ type }) => type.toLowerCase().replaceAll('_', ' ') },
  { head: 'Target kW', number: true, cell: ({ targetKw, type }) => (type === 'RELEASE' ? '–' : kw(targetKw)) },
  { head: 'Sheds kW', number: true, cell: ({ shedKw, type }) => (type === 'RELEASE' ? '–' : kw(shedKw)) },
  { head: 'It is', cell: ({ state }) => state.toLowerCase() },
  {
    head: 'Answer',
    cell: ({ answer }) => (
      <Mark level={answer === 'ACCEPTED' ? 'normal' : 'watch'}>
        {answer === null ? 'none yet' : answer.toLowerCase().replace('_', ' ')}
      </Mark>
    ),
  },
  {
    head: 'At',
    cell: ({ answeredAt }) => (
      <span class="number">{answeredAt === null ? '–' : timeOfDay(Date.parse(answeredAt))}</span>
    ),
  },
  { head: 'Since then', cell: ({ lifeCycle }) => lifeCycle?.toLowerCase() ?? '–' },
];
