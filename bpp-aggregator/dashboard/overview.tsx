/** Is anything wrong, what can be sold, and what was sold. */
import { kw, pounds } from '@flexder/runtime/page/format.ts';
import { Facts, Mark, Panel, Title } from '@flexder/runtime/page/parts.tsx';
import type { Overview as State } from '../src/view/routes.ts';
import { isOver, sentenceOf, sumOf } from './derive.ts';
import { OrderTable } from './orders.tsx';
import { HoldingTable, typesOf } from './portfolio.tsx';

export function Overview({ state }: { readonly state: State }) {
  const sentence = sentenceOf(state);
  const sum = sumOf(state.holdings);
  const running = state.orders.filter((order) => !isOver(order));
  const [today] = state.earnings;
  return (
    <>
      <header class="sentence">
        <Title>Overview</Title>
        <p id="sentence" role="status">
          <Mark level={sentence.level}>{sentence.text}</Mark>
        </p>
      </header>
      <Panel id="sums" title="Now" note="kW, import positive; kW of reduction for what can be offered">
        <div class="sum">
          <Facts
            of={[
              ['Devices online', `${sum.online} of ${sum.devices}`],
              ['Drawn now', `${kw(sum.powerKw)} kW`],
              ['Can be offered', `${sum.available} devices, ${kw(sum.availableKw)} kW`],
              ['Promised', `${kw(running.reduce((total, order) => total + order.promisedKw, 0))} kW`],
              [today ? `DSOs pay for ${today.date}` : 'DSOs pay', today ? pounds(today.paid_gbp) : '–'],
            ]}
          />
        </div>
      </Panel>
      <Panel id="types" title="By type" note="what could serve the next half hour, and why others could not">
        <HoldingTable holdings={typesOf(state.holdings)} by="type" />
      </Panel>
      <Panel id="orders" title="Quotes and orders in flight" note="kW of reduction">
        <OrderTable orders={running} empty="No quote and no order in flight." />
      </Panel>
    </>
  );
}
