/** One order: what was asked and promised, what the aggregator says of its devices, and every message about it. */

import { to } from '@flexder/runtime/page/address.ts';
import { dateTime, plural, time } from '@flexder/runtime/page/format.ts';
import { Facts, Mark, Panel, Reading, Title } from '@flexder/runtime/page/parts.tsx';
import type { OrderView } from '../../src/operator-api/orders/orders.ts';
import { canCancel } from '../state/derive.ts';
import type { Live } from '../state/model.ts';
import { useRead } from '../state/read.ts';
import { Act, WhyNot } from '../ui/act.tsx';
import { Against } from '../ui/bars.tsx';
import { Changes } from '../ui/changes.tsx';
import { NextStep, Step } from '../ui/order-table.tsx';
import { Timeline } from '../ui/timeline.tsx';

export function OrderScreen({ state, id }: { readonly state: Live; readonly id: string }) {
  const held = state.orders.find(({ obpId }) => obpId === id);
  return held ? <Order state={state} order={held} /> : <Older state={state} id={id} />;
}

function Older({ state, id }: { readonly state: Live; readonly id: string }) {
  const read = useRead<{ orders: OrderView[] }>(`/api/v1/orders?obp_id=${encodeURIComponent(id)}`);
  if (!read.data)
    return (
      <>
        <Title>Order {id}</Title>
        <Reading of={read}>{() => <p />}</Reading>
      </>
    );
  return (
    <Reading of={read}>
      {({ orders: [order] }) =>
        order ? (
          <Order state={state} order={order} />
        ) : (
          <div class="waiting">
            <Title>There is no such order</Title>
            <p>
              <a href="#/orders">All orders</a>
            </p>
          </div>
        )
      }
    </Reading>
  );
}

function Order({ state, order }: { readonly state: Live; readonly order: OrderView }) {
  const of = { obp_id: order.obpId };
  return (
    <>
      <Title>
        Order of {order.bppId} for {order.feederId}
      </Title>
      <Facts
        of={[
          ['Stands at', <Step key="step" order={order} />],
          ['Next', <NextStep key="next" order={order} />],
          [
            'Event',
            <a key="event" href={to('events', order.eventId)}>
              {order.topUp ? 'top-up of ' : ''}
              {order.feederId}
            </a>,
          ],
          ['Window', `${time(order.window.startMs)}–${time(order.window.endMs)}`],
          ['Made', dateTime(order.createdMs)],
          ...(order.excludedDevices > 0
            ? [['Does without', plural(order.excludedDevices, 'excluded device')] as const]
            : []),
          ['OBP id', order.obpId],
          ['Order id', order.orderId ?? 'none yet'],
          ['Transaction', order.transactionId],
        ]}
      />
      {canCancel(order) && (
        <section class="actions" aria-label="By hand">
          <Act kind="change-kw" title={`Other kW of the order of ${order.bppId}`} members={of} kw={order.promisedKw}>
            Change kW…
          </Act>
          <Act
            kind="change-window"
            title={`Another end of the order of ${order.bppId}`}
            members={of}
            window={order.window}
          >
            Change its end…
          </Act>
          <Act kind="cancel-order" title={`Cancel the order of ${order.bppId}`} members={of}>
            Cancel the order…
          </Act>
          <WhyNot />
        </section>
      )}
      <div class="pair">
        <Panel id="relief" title="Relief" note="three things that differ">
          <Against
            asked={order.requestedKw}
            figures={[
              { name: 'Promised', kw: order.promisedKw },
              { name: 'Acknowledged', kw: order.acknowledgedKw },
              { name: 'Measured', kw: order.measuredKw },
            ]}
          />
        </Panel>
        <Panel id="devices" title="Devices" note="they are the aggregator's: it tells how many answered how">
          <Devices order={order} />
        </Panel>
      </div>
      <Changes orders={[order]} of="order" />
      <Timeline state={state} obpId={order.obpId} />
    </>
  );
}

function Devices({ order: { devices, detectionToDispatchMs, detectionToAckMs } }: { readonly order: OrderView }) {
  if (!devices) return <p class="empty">Nothing was commanded yet, or the aggregator has not told.</p>;
  const { commands, accepted, rejected, optedOut, silent, closed } = devices;
  const bad = (count: number) => <Mark level={count > 0 ? 'watch' : 'normal'}>{String(count)}</Mark>;
  return (
    <Facts
      of={[
        ['Commanded', String(commands)],
        ['Accepted', String(accepted)],
        ['Refused', bad(rejected)],
        ['Opted out', bad(optedOut)],
        [closed ? 'Silent' : 'Not yet answered', closed ? bad(silent) : String(silent)],
        ['Detection to dispatch', ms(detectionToDispatchMs)],
        ['Detection to answers', ms(detectionToAckMs)],
      ]}
    />
  );
}

const ms = (value: number | null) => (value === null ? '–' : `${Math.round(value).toLocaleString('en-GB')} ms`);
