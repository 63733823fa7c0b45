/** Which needs there were, and what came of each. */

import { to } from '@flexder/runtime/page/address.ts';
import { dateTime, kw, time } from '@flexder/runtime/page/format.ts';
import { Mark, Note, Panel, Title } from '@flexder/runtime/page/parts.tsx';
import { type Column, Table } from '@flexder/runtime/page/table.tsx';
import type { OverloadView } from '../../src/operator-api/events/overloads.ts';
import type { Live } from '../state/model.ts';
import { EventState } from '../ui/event-line.tsx';

const COLUMNS: readonly Column<OverloadView>[] = [
  { head: 'Feeder', cell: (event) => <a href={to('events', event.eventId)}>{event.feederId}</a> },
  { head: 'State', cell: (event) => <EventState event={event} /> },
  {
    head: 'Detected',
    cell: ({ detectedAt, detectedBy, ruleId }) => (
      <span title={dateTime(Date.parse(detectedAt))}>
        {time(Date.parse(detectedAt))} {detectedBy} <Note>{ruleId}</Note>
      </span>
    ),
  },
  {
    head: 'Window',
    cell: ({ window }) => <span class="number">{`${time(window.startMs)}–${time(window.endMs)}`}</span>,
  },
  { head: 'Requested kW', number: true, cell: (event) => kw(event.requestedKw) },
  { head: 'Promised kW', number: true, cell: (event) => kw(event.committedKw) },
  { head: 'Acknowledged kW', number: true, cell: (event) => kw(event.acknowledgedKw) },
  { head: 'Measured kW', number: true, cell: (event) => kw(event.measuredKw) },
  {
    head: 'Peak / limit kW',
    number: true,
    cell: ({ peakDuringKw, limitKw }) => (
      <Mark level={peakDuringKw !== null && peakDuringKw >= limitKw ? 'over' : 'normal'}>
        {`${kw(peakDuringKw)} / ${kw(limitKw)}`}
      </Mark>
    ),
  },
];

export function Events({ state }: { readonly state: Live }) {
  return (
    <>
      <Title>Events</Title>
      <Panel id="events" title="Newest first" note="kW of reduction">
        <Table
          label="Events"
          columns={COLUMNS}
          rows={state.overloads}
          keyOf={({ eventId }) => eventId}
          classOf={(event) => (event.state === 'RELEASED' ? 'closed' : '')}
          empty="No event: no feeder has reached its limit, nor was one forecast to."
        />
      </Panel>
    </>
  );
}
