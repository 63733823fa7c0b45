/** Which consumers were asked before a use of their devices, what they said, and who took consent back. */
import { countdown, plural, time, timeOfDay } from '@flexder/runtime/page/format.ts';
import { Facts, Mark, Note, Panel, Reading, Title } from '@flexder/runtime/page/parts.tsx';
import { type Column, Table } from '@flexder/runtime/page/table.tsx';
import type { AskedView, ConsentView, WithdrawalView } from '../src/view/consent.ts';
import { gridMs, useDetail } from './store.ts';

export function Consent() {
  const read = useDetail<ConsentView>('/api/v1/view/consent');
  return (
    <>
      <Title>Consent</Title>
      <Reading of={read}>{(view) => <All view={view} />}</Reading>
    </>
  );
}

function All({ view }: { readonly view: ConsentView }) {
  const { open, openInAll, over, withdrawals, devices } = view;
  return (
    <>
      <Panel id="devices" title="Devices by their consumer’s consent">
        <Facts
          of={[
            ['May be used', plural(devices.automatic, 'device')],
            ['Asked each time', plural(devices.ask, 'device')],
            ['No consent now', plural(devices.none, 'device')],
          ]}
        />
      </Panel>
      <Panel id="open" title="Asked, no answer yet" note="the most urgent first; grid time">
        {openInAll > open.length && (
          <p class="note">
            The first {open.length} of {openInAll}.
          </p>
        )}
        <Table label="Open questions" columns={[...ASKED, LEFT]} rows={open} keyOf={keyOf} empty={NOBODY_WAITS} />
      </Panel>
      <Panel id="over" title="Answered, or too late" note="newest first; grid time">
        <Table
          label="Answers"
          columns={[...ASKED, ANSWER]}
          rows={over}
          keyOf={keyOf}
          classOf={({ state }) => (state === 'moot' ? 'closed' : '')}
          empty="Nobody was asked yet: no consumer wants to be asked each time, or no search came for their devices."
        />
      </Panel>
      <Panel id="withdrawals" title="Taken back" note="newest first; grid time; why stays with the enrolment">
        <Table
          label="Withdrawals"
          columns={WITHDRAWN}
          rows={withdrawals}
          keyOf={({ changeNo }) => String(changeNo)}
          empty="Nobody has withdrawn consent."
        />
      </Panel>
    </>
  );
}

const NOBODY_WAITS =
  'Nobody is being asked: those who want to be asked each time are, when a search wants their device.';
const keyOf = ({ questionId }: AskedView) => questionId;

const ASKED: readonly Column<AskedView>[] = [
  { head: 'Device', cell: ({ derId }) => derId },
  { head: 'Feeder', cell: ({ feederId }) => feederId },
  { head: 'Consumer', cell: ({ consumerId }) => consumerId ?? '–' },
  {
    head: 'To be used',
    cell: ({ fromMs, untilMs }) => <span class="number">{`${time(fromMs)}–${time(untilMs)}`}</span>,
  },
  { head: 'Asked at', cell: ({ askedAtMs }) => <span class="number">{timeOfDay(askedAtMs)}</span> },
];

const LEFT: Column<AskedView> = {
  head: 'Left to answer',
  cell: ({ answerByMs }) => (
    <>
      <strong class="number">{countdown(answerByMs - gridMs.value)}</strong> <Note>until {timeOfDay(answerByMs)}</Note>
    </>
  ),
};

const WORDS: Readonly<Record<AskedView['state'], string>> = {
  open: 'no answer yet',
  yes: 'yes',
  no: 'no',
  unanswered: 'did not answer',
  moot: 'needs no asking any more',
};

const ANSWER: Column<AskedView> = {
  head: 'Answer',
  cell: ({ state, answeredBy, answeredAtMs, answerByMs }) => (
    <>
      <Mark level={state === 'unanswered' ? 'watch' : 'normal'}>{WORDS[state]}</Mark>{' '}
      <Note>
        {answeredAtMs === null ? `until ${timeOfDay(answerByMs)}` : `by ${answeredBy} at ${timeOfDay(answeredAtMs)}`}
      </Note>
    </>
  ),
};

const WITHDRAWN: readonly Column<WithdrawalView>[] = [
  { head: 'Device', cell: ({ derId }) => derId },
  { head: 'Feeder', cell: ({ feederId }) => feederId },
  { head: 'By', cell: ({ by }) => by },
  { head: 'At', cell: ({ atMs }) => <span class="number">{timeOfDay(atMs)}</span> },
];
