/** How well each aggregator has kept what it promised. */
import { duration, percent } from '@flexder/runtime/page/format.ts';
import { Mark, Panel, Reading } from '@flexder/runtime/page/parts.tsx';
import { type Column, Table } from '@flexder/runtime/page/table.tsx';
import type { ScoreView } from '../../src/operator-api/aggregators/scores.ts';
import { useRead } from '../state/read.ts';

/** Below this a promise was not kept. */
const KEPT = 0.95;

/** `version`: read again when it changes. */
export function Scores({ version }: { readonly version: number }) {
  const read = useRead<{ readonly scores: readonly ScoreView[] }>('/api/v1/scores', version);
  return (
    <Panel id="scores" title="How promises were kept" note="orders of 30 days">
      <Reading of={read}>
        {({ scores }) => (
          <Table
            label="Scores of aggregators"
            columns={COLUMNS}
            rows={scores}
            keyOf={({ bppId }) => bppId}
            empty="Nothing was bought in the last 30 days."
          />
        )}
      </Reading>
    </Panel>
  );
}

const share = (value: number | null) =>
  value === null ? '–' : <Mark level={value < KEPT ? 'watch' : 'normal'}>{percent(value)}</Mark>;

const COLUMNS: readonly Column<ScoreView>[] = [
  { head: 'Aggregator', cell: ({ bppId }) => bppId },
  { head: 'Orders', number: true, cell: ({ orders }) => orders },
  { head: 'Completed', number: true, cell: ({ completed }) => completed },
  {
    head: 'Failed',
    number: true,
    cell: ({ failed }) => <Mark level={failed > 0 ? 'watch' : 'normal'}>{failed}</Mark>,
  },
  { head: 'Cancelled', number: true, cell: ({ cancelled }) => cancelled },
  { head: 'Devices accepted', number: true, cell: ({ acceptedShare }) => share(acceptedShare) },
  { head: 'Delivered of promised', number: true, cell: ({ deliveredShare }) => share(deliveredShare) },
  {
    head: 'Detected to acknowledged, median',
    number: true,
    cell: ({ ackMedianMs }) =>
      ackMedianMs === null ? '–' : ackMedianMs < 1_000 ? `${Math.round(ackMedianMs)} ms` : duration(ackMedianMs),
  },
  { head: 'Rated', number: true, cell: ({ rating }) => (rating === null ? '–' : `${rating.toFixed(1)} of 5`) },
];
