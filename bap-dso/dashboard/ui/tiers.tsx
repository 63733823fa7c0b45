/** What stands behind the orders of an event, and what of it was bought. */
import { kw, pounds, time } from '@flexder/runtime/page/format.ts';
import { Mark, Note, Panel } from '@flexder/runtime/page/parts.tsx';
import { type Column, Table } from '@flexder/runtime/page/table.tsx';
import type { FallbackView, OverloadView } from '../../src/operator-api/events/overloads.ts';

const STATES: Readonly<Record<string, readonly [string, string]>> = {
  ARMED: ['armed', 'bought when an order is lost or falls short'],
  STAGED: ['staged', 'armed when the tier before it is bought'],
  RELEASED: ['released', ''],
  LAPSED: ['expired', 'nobody needed it'],
};

const COLUMNS: readonly Column<FallbackView>[] = [
  { head: 'Tier', cell: ({ tier, plan }) => <span class="number">{`${tier} of plan ${plan}`}</span> },
  { head: 'It is', cell: (tier) => <State of={tier} /> },
  { head: 'From', cell: ({ bppIds }) => <span class="wrap">{bppIds.join(', ')}</span> },
  { head: 'Expected kW', number: true, cell: ({ expectedKw }) => kw(expectedKw) },
  { head: 'Of kW', number: true, cell: ({ gapKw }) => kw(gapKw) },
  { head: 'Cost an hour, if bought', number: true, cell: ({ costGbpPerHour }) => pounds(costGbpPerHour) },
  {
    head: 'Offered, ended',
    cell: ({ madeAtMs, releasedAtMs }) => (
      <span class="number">
        {time(madeAtMs)}, {releasedAtMs === null ? '–' : time(releasedAtMs)}
      </span>
    ),
  },
];

function State({ of: { state, reason } }: { readonly of: FallbackView }) {
  const [word, note] = STATES[state] ?? [state.toLowerCase(), ''];
  return (
    <span class="wrap">
      <Mark level={state === 'RELEASED' ? 'watch' : 'normal'}>{word}</Mark> <Note>{reason ?? note}</Note>
    </span>
  );
}

export function Tiers({ event }: { readonly event: OverloadView }) {
  return (
    <Panel id="tiers" title="Fallback" note="offers that stand in for the largest order; kW of reduction at the feeder">
      <Table
        label="Fallback tiers"
        columns={COLUMNS}
        rows={event.fallback}
        keyOf={({ plan, tier }) => `${plan}/${tier}`}
        classOf={({ state }) => (state === 'LAPSED' ? 'closed' : '')}
        empty={
          event.orders === 0
            ? 'Nothing was bought yet, so nothing has to be stood in for.'
            : 'Nobody else offers anything: when an order fails, there is a new search.'
        }
      />
    </Panel>
  );
}
