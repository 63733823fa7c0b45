/** One feeder: where its load goes, what is wrong with it, and what was done about it. */

import { to } from '@flexder/runtime/page/address.ts';
import { dateTime, duration, kw, percent, time } from '@flexder/runtime/page/format.ts';
import { Facts, Mark, Note, Panel, Title } from '@flexder/runtime/page/parts.tsx';
import { type Column, Table } from '@flexder/runtime/page/table.tsx';
import type { FeederView } from '../../src/operator-api/deps.ts';
import { ageOf, alarmText, headroomOf, levelOf, timeToLimitMs } from '../state/derive.ts';
import type { Live } from '../state/model.ts';
import { gridMs } from '../state/store.ts';
import { EventLine } from '../ui/event-line.tsx';
import { Quality } from '../ui/feeder-row.tsx';
import { Heat } from '../ui/heat.tsx';
import { Trend } from '../ui/trend.tsx';

type Anomaly = NonNullable<FeederView['anomalies']>[number];

const ANOMALIES: readonly Column<Anomaly>[] = [
  {
    head: 'Anomaly',
    cell: ({ kind, text }) => (
      <>
        <Mark level="watch">{alarmText(kind).title}</Mark> <span class="wrap note">{text}</span>
      </>
    ),
  },
  {
    head: 'Rule',
    cell: ({ ruleId, ruleVersion }) => (
      <>
        {ruleId} <Note>version {ruleVersion}</Note>
      </>
    ),
  },
  {
    head: 'Since',
    cell: ({ sinceMs }) => (
      <span class="number" title={dateTime(sinceMs)}>
        {time(sinceMs)}
      </span>
    ),
  },
  {
    head: 'Source',
    cell: ({ source }) =>
      source ? (
        <>
          {source.topic} <Note>SHA-256 {source.sha256.slice(0, 16)}…</Note>
        </>
      ) : (
        <Note>no message: shown by what is known of its feeders</Note>
      ),
  },
];

export function Feeder({ state, id }: { readonly state: Live; readonly id: string }) {
  const feeder = state.feeders.get(id);
  if (!feeder)
    return (
      <div class="waiting">
        <Title>There is no such feeder</Title>
        <p>
          <a href="#/">Back to the overview</a>
        </p>
      </div>
    );
  const events = state.overloads.filter(({ feederId }) => feederId === id);
  return (
    <>
      <Title>{feeder.name}</Title>
      <FeederFacts feeder={feeder} />
      <Panel id="trend" title="Load">
        <Trend key={id} feeder={feeder} points={state.load.get(id) ?? []} gridMs={gridMs.value} />
      </Panel>
      <Panel id="heat" title="By day and time of day" note="the last fourteen days, from kept readings">
        <Heat key={id} feederId={id} gridMs={gridMs.value} />
      </Panel>
      <Panel id="anomalies" title="Anomalies" note="what is wrong beside an overload; nothing is bought for it">
        <Table
          label="Anomalies"
          columns={ANOMALIES}
          rows={feeder.anomalies ?? []}
          keyOf={({ kind, substationId }) => `${kind} ${substationId ?? ''}`}
          empty="None: telemetry and load are as they should be."
        />
      </Panel>
      <Panel id="events" title="Events" note="newest first, kW of reduction">
        {events.map((event) => (
          <EventLine key={event.eventId} event={event} />
        ))}
        {events.length === 0 && <p class="empty">None.</p>}
      </Panel>
    </>
  );
}

function FeederFacts({ feeder }: { readonly feeder: FeederView }) {
  const headroom = headroomOf(feeder);
  const toLimitMs = timeToLimitMs(feeder, gridMs.value);
  const ageMs = ageOf(feeder, gridMs.value);
  const basis = feeder.forecastBasis;
  return (
    <Facts
      of={[
        ['Load', <Mark key="load" level={levelOf(feeder)}>{`${kw(feeder.powerKw)} kW`}</Mark>],
        ['Headroom', headroom === null ? '–' : percent(headroom, 1)],
        ['Time to limit', toLimitMs === null ? 'not forecast' : toLimitMs > 0 ? duration(toLimitMs) : 'over it'],
        ['Limit', `${kw(feeder.limitKw)} kW, release ${kw(feeder.releaseKw)} kW`],
        ...(feeder.season === undefined
          ? []
          : ([['Ratings', `${feeder.season}: ${kw(feeder.normalKw)} kW, firm ${kw(feeder.firmKw)} kW`]] as const)),
        [
          'Data',
          <>
            {ageMs === null ? '' : `read ${time(feeder.at!)}`} <Quality feeder={feeder} gridMs={gridMs.value} />
          </>,
        ],
        ['State', feeder.state.toLowerCase()],
        ['Forecast', basis ? `${basis.model} ${basis.version ?? ''}` : 'none'],
        ['Feeder', feeder.feederId],
        [
          'DERs',
          <a key="ders" href={to('ders', undefined, { feeder: feeder.feederId })}>
            its devices
          </a>,
        ],
      ]}
    />
  );
}
