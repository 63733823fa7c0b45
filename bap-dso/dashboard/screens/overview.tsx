/** Is anything wrong, where, how much time is left, and does something wait for me. */
import { kw, plural } from '@flexder/runtime/page/format.ts';
import { Mark, Panel, Title } from '@flexder/runtime/page/parts.tsx';
import { byNeed, byPriority, isClosed, isWanted, PRIORITIES, sentenceOf } from '../state/derive.ts';
import type { Live } from '../state/model.ts';
import { gridMs } from '../state/store.ts';
import { AlarmLine } from '../ui/alarm.tsx';
import { DecisionLine, EventLine } from '../ui/event-line.tsx';
import { FeederList } from '../ui/feeder-list.tsx';
import { OrderTable } from '../ui/order-table.tsx';

const ALARMS_SHOWN = 4;
const ORDERS_SHOWN = 12;

export function Overview({ state }: { readonly state: Live }) {
  const sentence = sentenceOf(state);
  const feeders = byNeed([...state.feeders.values()], gridMs.value);
  const running = state.orders.filter((order) => !isClosed(order));
  const open = state.overloads.filter((event) => event.state !== 'RELEASED');
  return (
    <div class="overview">
      <header class="sentence">
        <Title>Overview</Title>
        <p id="sentence" role="status">
          <Mark level={sentence.level}>{sentence.text}</Mark>
        </p>
      </header>
      <Panel id="feeders" title="Feeders" note="kW, import positive; the bar ends at 125 % of the limit">
        <Legend />
        <FeederList feeders={feeders} gridMs={gridMs.value} />
      </Panel>
      <div class="aside">
        <Panel id="attention" title="Events" note="kW of reduction">
          {state.decisions.map((decision) => (
            <DecisionLine key={decision.decisionId} decision={decision} />
          ))}
          {open.map((event) => (
            <EventLine key={event.eventId} event={event} />
          ))}
          {open.length === 0 && <p class="empty">No open event: no feeder is at its limit or forecast to be.</p>}
        </Panel>
        <AlarmPanel state={state} />
      </div>
      <Panel
        id="orders"
        title="Orders in flight"
        note={`${plural(running.length, 'order')}, ${kw(running.reduce((sum, order) => sum + order.promisedKw, 0))} kW promised`}
      >
        <OrderTable orders={running.slice(0, ORDERS_SHOWN)} empty="No order in flight." />
        {running.length > ORDERS_SHOWN && <a href="#/orders">All {running.length}</a>}
      </Panel>
    </div>
  );
}

function Legend() {
  return (
    <p class="legend keys">
      <span class="key load" /> measured <span class="key band" /> forecast peak, nine in ten{' '}
      <span class="key release" /> release level <span class="key limit" /> limit
    </p>
  );
}

function AlarmPanel({ state }: { readonly state: Live }) {
  const counts = byPriority(state.alarms.filter((alarm) => isWanted(alarm) && !alarm.returned));
  const unheard = byPriority(state.alarms.filter(({ ackedBy, shelved }) => ackedBy === null && shelved === null));
  // What is over is heard of last.
  const first = PRIORITIES.flatMap((priority) => unheard[priority]).toSorted(
    (a, b) => Number(a.returned) - Number(b.returned),
  );
  return (
    <Panel id="alarms" title="Alarms">
      <p class="counts">
        {PRIORITIES.map((priority) => (
          <a key={priority} href="#/alarms" class={`priority ${priority}${counts[priority].length > 0 ? '' : ' none'}`}>
            <strong class="number">{counts[priority].length}</strong> {priority}
          </a>
        ))}
      </p>
      <ul class="lines">
        {first.slice(0, ALARMS_SHOWN).map((alarm) => (
          <AlarmLine key={alarm.alarmId} alarm={alarm} />
        ))}
      </ul>
      {first.length === 0 && <p class="empty">Every alarm has been heard.</p>}
    </Panel>
  );
}
