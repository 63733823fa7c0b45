/** One need: what can be done, what was bought, and whether it works. */

import { to } from '@flexder/runtime/page/address.ts';
import { dateTime, kw, time } from '@flexder/runtime/page/format.ts';
import { Facts, Panel, Reading, Title } from '@flexder/runtime/page/parts.tsx';
import type { OverloadView } from '../../src/operator-api/events/overloads.ts';
import type { OrderView } from '../../src/operator-api/orders/orders.ts';
import type { Live } from '../state/model.ts';
import { useRead } from '../state/read.ts';
import { gridMs } from '../state/store.ts';
import { Act, WhyNot } from '../ui/act.tsx';
import { Against } from '../ui/bars.tsx';
import { Changes } from '../ui/changes.tsx';
import { EventState } from '../ui/event-line.tsx';
import { Options } from '../ui/options.tsx';
import { OrderTable } from '../ui/order-table.tsx';
import { ReliefLines } from '../ui/relief-lines.tsx';
import { EventSteps } from '../ui/steps.tsx';
import { Tiers } from '../ui/tiers.tsx';
import { Trend } from '../ui/trend.tsx';

export function EventScreen({ state, id }: { readonly state: Live; readonly id: string }) {
  const held = state.overloads.find(({ eventId }) => eventId === id);
  if (held) return <Event state={state} event={held} />;
  return <Older state={state} id={id} />;
}

/** Not among those that are live: asked for. */
function Older({ state, id }: { readonly state: Live; readonly id: string }) {
  const read = useRead<{ overloads: OverloadView[] }>(`/api/v1/overloads?event_id=${encodeURIComponent(id)}`);
  if (!read.data)
    return (
      <>
        <Title>Event {id}</Title>
        <Reading of={read}>{() => <p />}</Reading>
      </>
    );
  return (
    <Reading of={read}>
      {({ overloads: [event] }) =>
        event ? (
          <Event state={state} event={event} />
        ) : (
          <div class="waiting">
            <Title>There is no such event</Title>
            <p>
              <a href="#/events">All events</a>
            </p>
          </div>
        )
      }
    </Reading>
  );
}

function Event({ state, event }: { readonly state: Live; readonly event: OverloadView }) {
  const feeder = state.feeders.get(event.feederId);
  const held = new Map(
    state.orders.filter(({ eventId }) => eventId === event.eventId).map((order) => [order.obpId, order]),
  );
  const moved = [...held.values()].map(({ updatedMs }) => updatedMs);
  const path = `/api/v1/orders?event_id=${encodeURIComponent(event.eventId)}`;
  const orders = useRead<{ orders: OrderView[] }>(path, `${moved.length} ${Math.max(0, ...moved)}`);
  return (
    <>
      <Title>
        {event.interventionClass === 'EMERGENCY' ? 'Emergency' : 'Overload'} on {feeder?.name ?? event.feederId}
      </Title>
      <Facts
        of={[
          ['State', <EventState key="state" event={event} />],
          [
            'Feeder',
            <a key="feeder" href={to('feeders', event.feederId)}>
              {event.feederId}
            </a>,
          ],
          ['Detected', `${dateTime(Date.parse(event.detectedAt))}, ${event.detectedBy}`],
          ['By rule', `${event.ruleId} v${event.ruleVersion}`],
          ['Window', `${time(event.window.startMs)}–${time(event.window.endMs)}`],
          ['Limit', `${kw(event.limitKw)} kW, release ${kw(event.releaseKw)} kW`],
          ['Highest since relief was due', `${kw(event.peakDuringKw)} kW`],
          ['Event', event.eventId],
        ]}
      />
      <Options state={state} event={event} />
      <Actions event={event} />
      <div class="pair">
        <Panel id="relief" title="Relief" note="three things that differ">
          <Against
            asked={event.requestedKw}
            figures={[
              { name: 'Promised', kw: event.committedKw },
              { name: 'Acknowledged', kw: event.acknowledgedKw },
              { name: 'Measured', kw: event.measuredKw },
            ]}
          />
        </Panel>
        {feeder && (
          <Panel id="trend" title="Load">
            <Trend
              feeder={feeder}
              points={state.load.get(event.feederId) ?? []}
              gridMs={gridMs.value}
              window={event.window}
            />
          </Panel>
        )}
      </div>
      <ReliefLines state={state} event={event} />
      <Panel id="orders" title="Orders of this event" note="kW of reduction">
        <Reading of={orders}>
          {({ orders }) => <OrderTable orders={newest(orders, held)} empty="Nothing was bought yet." />}
        </Reading>
      </Panel>
      <Tiers event={event} />
      {orders.data && <Changes orders={newest(orders.data.orders, held)} of="event" />}
      <EventSteps state={state} id={event.eventId} />
    </>
  );
}

/** What the stream tells stands in place of what was read. */
function newest(read: readonly OrderView[], held: ReadonlyMap<string, OrderView>): OrderView[] {
  return read.map((order) => held.get(order.obpId) ?? order);
}

function Actions({ event }: { readonly event: OverloadView }) {
  if (event.state === 'RELEASED') return null;
  const members = { event_id: event.eventId };
  const missing = Math.max(1, event.requestedKw - event.committedKw);
  return (
    <section class="actions" aria-label="By hand">
      <Act kind="buy-relief" title={`Buy more relief for ${event.feederId}`} members={members} kw={missing}>
        Buy more…
      </Act>
      <Act kind="escalate-event" title={`Escalate ${event.feederId} to emergency terms`} members={members} kw={missing}>
        Escalate…
      </Act>
      <Act kind="release-event" title={`Release ${event.feederId}`} members={members}>
        Release…
      </Act>
      <WhyNot />
    </section>
  );
}
