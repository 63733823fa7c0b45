/** Whom we buy from and whether each answers; what is held back by hand. */

import { kw } from '@flexder/runtime/page/format.ts';
import { Mark, Panel, Title } from '@flexder/runtime/page/parts.tsx';
import { type Column, Table } from '@flexder/runtime/page/table.tsx';
import type { AggregatorView } from '../../src/operator-api/aggregators/aggregators.ts';
import { isClosed } from '../state/derive.ts';
import type { Live } from '../state/model.ts';
import { aggregators } from '../state/store.ts';
import { Act, WhyNot } from '../ui/act.tsx';
import { Scores } from '../ui/scores.tsx';

export function Controls({ state }: { readonly state: Live }) {
  const stopped = state.restrictions.some(({ kind }) => kind === 'stop');
  return (
    <>
      <Title>Controls</Title>
      <Panel id="dispatch" title="Dispatch">
        <p>
          {stopped ? (
            <Mark level="watch">Stopped: nothing is bought on any feeder.</Mark>
          ) : (
            'Relief is bought by the mode of each feeder.'
          )}
        </p>
        <div class="actions">
          {stopped ? (
            <Act kind="resume-dispatch" title="Resume dispatch" members={{}}>
              Resume dispatch…
            </Act>
          ) : (
            <Act kind="stop-dispatch" title="Stop dispatch on every feeder" members={{}}>
              Stop dispatch…
            </Act>
          )}
          <WhyNot />
        </div>
      </Panel>
      <Panel id="aggregators" title="Aggregators" note="as the registry knows them">
        <Table
          label="Aggregators"
          columns={columns(state)}
          rows={rowsOf(state)}
          keyOf={({ bppId }) => bppId}
          empty="The registry names no aggregator, or has not been asked yet."
        />
      </Panel>
      <Scores version={state.orders.filter(isClosed).length} />
    </>
  );
}

/** One that is excluded may have left the registry; it must be possible to restore it. */
function rowsOf(state: Live): readonly AggregatorView[] {
  const known = aggregators.value ?? [];
  const excluded = state.restrictions.flatMap(({ kind, subject }) => (kind === 'exclude-bpp' ? [subject] : []));
  const others = excluded.filter((id) => !known.some(({ bppId }) => bppId === id));
  return [...known, ...others.map((bppId) => ({ bppId, away: false }))];
}

function columns(state: Live): readonly Column<AggregatorView>[] {
  const running = (bppId: string) => state.orders.filter((order) => order.bppId === bppId && !isClosed(order));
  const isExcluded = (bppId: string) =>
    state.restrictions.some((one) => one.kind === 'exclude-bpp' && one.subject === bppId);
  return [
    { head: 'Aggregator', cell: ({ bppId }) => bppId },
    { head: 'Link', cell: ({ away }) => (away ? <Mark level="watch">no answer</Mark> : 'answers') },
    { head: 'Orders in flight', number: true, cell: ({ bppId }) => running(bppId).length },
    {
      head: 'Promised kW',
      number: true,
      cell: ({ bppId }) => kw(running(bppId).reduce((sum, order) => sum + order.promisedKw, 0)),
    },
    {
      head: 'Asked for relief',
      cell: ({ bppId }) => (isExcluded(bppId) ? <Mark level="watch">excluded</Mark> : 'yes'),
    },
    {
      head: 'By hand',
      cell: ({ bppId }) =>
        isExcluded(bppId) ? (
          <Act kind="restore-bpp" title={`Restore ${bppId}`} members={{ bpp_id: bppId }}>
            Restore…
          </Act>
        ) : (
          <Act kind="exclude-bpp" title={`Exclude ${bppId}`} members={{ bpp_id: bppId }}>
            Exclude…
          </Act>
        ),
    },
  ];
}
