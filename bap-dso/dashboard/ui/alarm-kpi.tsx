/** Whether the alarms can be acted on: how many, of what kinds, how long they stand, against what a person can handle. */
import { dateTime, duration, percent, plural } from '@flexder/runtime/page/format.ts';
import { Facts, Mark, Note, Panel, Reading } from '@flexder/runtime/page/parts.tsx';
import { type Column, Table } from '@flexder/runtime/page/table.tsx';
import { useState } from 'preact/hooks';
import { type AlarmFigures, FLOOD_ALARMS, type Flood, SPLIT } from '../../src/operator-api/shift/kpi.ts';
import type { AlarmKpi } from '../../src/operator-api/shift/kpi-view.ts';
import { PRIORITIES } from '../state/derive.ts';
import { useRead } from '../state/read.ts';
import { wallMs } from '../state/store.ts';

const AGAIN_MS = 60_000;
/** About one in ten minutes leaves time to act. */
const STEADY = 1;
/** Above its share by this much there are too many of a priority; with few alarms a share says nothing. */
const SPLIT_ROOM = 0.1;
const FEW = 20;

export function AlarmKpiPanel() {
  const [period, setPeriod] = useState<'24h' | '7d'>('24h');
  const path = `/api/v1/alarms/kpi?period=${period}`;
  const read = useRead<AlarmKpi>(path, Math.floor(wallMs.value / AGAIN_MS));
  return (
    <Panel id="alarm-kpi" title="Are the alarms few enough to act on?" note="against what one person can handle">
      <label class="choice">
        Over the last
        <select value={period} onChange={(event) => setPeriod(event.currentTarget.value === '7d' ? '7d' : '24h')}>
          <option value="24h">24 hours</option>
          <option value="7d">7 days</option>
        </select>
      </label>
      <Reading of={read}>{(kpi) => <Figures kpi={kpi} />}</Reading>
    </Panel>
  );
}

function Figures({ kpi }: { readonly kpi: AlarmKpi }) {
  const { count, steadyPerSlot, peakPerSlot, standing, floodCount, acknowledged, meanAckMs, cut } = kpi;
  return (
    <>
      {cut && (
        <p>
          <Mark level="watch">
            There were more than are looked at: figures are those since {dateTime(Date.parse(kpi.from))}.
          </Mark>
        </p>
      )}
      <Facts
        of={[
          ['Alarms', count.toLocaleString('en-GB')],
          [
            'In 10 min, steady',
            <Goal key="steady" met={steadyPerSlot <= STEADY} value={steadyPerSlot.toFixed(2)} goal="at most 1" />,
          ],
          [
            'In 10 min, peak',
            <Goal key="peak" met={peakPerSlot <= FLOOD_ALARMS} value={String(peakPerSlot)} goal="at most 10" />,
          ],
          ['Floods', <Goal key="floods" met={floodCount === 0} value={String(floodCount)} goal="none" />],
          ['Standing over 24 h', <Goal key="standing" met={standing === 0} value={String(standing)} goal="none" />],
          ['Mean time to acknowledge', meanAckMs === null ? 'none acknowledged' : duration(meanAckMs)],
          ['Acknowledged', `${acknowledged} of ${count}`],
          ...PRIORITIES.map((one) => [`Priority ${one}`, <Split key={one} of={kpi} priority={one} />] as const),
        ]}
      />
      <div class="pair">
        <Table
          label="Most frequent kinds"
          columns={KINDS}
          rows={kpi.frequent}
          keyOf={({ kind }) => kind}
          empty="No alarm was raised."
        />
        <Table
          label="Floods"
          columns={FLOODS}
          rows={kpi.floods}
          keyOf={({ startMs }) => String(startMs)}
          empty={`No flood: never more than ${FLOOD_ALARMS} in ten minutes.`}
        />
      </div>
    </>
  );
}

const KINDS: readonly Column<AlarmFigures['frequent'][number]>[] = [
  { head: 'Most frequent', cell: ({ title }) => title },
  { head: 'Alarms', number: true, cell: ({ count }) => count.toLocaleString('en-GB') },
];

const FLOODS: readonly Column<Flood>[] = [
  { head: 'Flood from', cell: ({ startMs }) => <span class="number">{dateTime(startMs)}</span> },
  { head: 'Lasted', number: true, cell: ({ startMs, endMs }) => duration(endMs - startMs) },
  { head: 'Alarms', number: true, cell: ({ count }) => count.toLocaleString('en-GB') },
];

function Goal({ met, value, goal }: { readonly met: boolean; readonly value: string; readonly goal: string }) {
  return (
    <>
      <Mark level={met ? 'normal' : 'watch'}>{value}</Mark> <Note>({goal})</Note>
    </>
  );
}

function Split({ of, priority }: { readonly of: AlarmKpi; readonly priority: keyof typeof SPLIT }) {
  const { share, count } = of.priorities[priority];
  const goal = SPLIT[priority];
  // Few of the high ones is the aim: only too many of high and medium are told.
  const met = of.count < FEW || priority === 'low' || (share ?? 0) <= goal + SPLIT_ROOM;
  const text = share === null ? '–' : `${percent(share)}, ${plural(count, 'alarm')}`;
  return <Goal met={met} value={text} goal={`about ${percent(goal)}`} />;
}
