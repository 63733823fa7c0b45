/** Which orders there are, where each stands, and what is due next. */

import { Panel, Title } from '@flexder/runtime/page/parts.tsx';
import { useState } from 'preact/hooks';
import { isClosed } from '../state/derive.ts';
import type { Live } from '../state/model.ts';
import { OrderTable } from '../ui/order-table.tsx';

export function Orders({ state }: { readonly state: Live }) {
  const [closed, setClosed] = useState(true);
  const shown = closed ? state.orders : state.orders.filter((order) => !isClosed(order));
  return (
    <>
      <Title>Orders</Title>
      <Panel id="orders" title="Newest first" note="kW of reduction; devices that accepted, of those commanded">
        <label class="choice">
          <input type="checkbox" checked={closed} onChange={(event) => setClosed(event.currentTarget.checked)} />
          also those that have ended
        </label>
        <OrderTable orders={shown} empty="No order." />
      </Panel>
    </>
  );
}
