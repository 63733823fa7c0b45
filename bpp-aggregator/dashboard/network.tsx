/** Where this aggregator stands with the network: its entry, its key, the last challenge, who asked what. */
import { dateTime, kw, timeOfDay } from '@flexder/runtime/page/format.ts';
import { Facts, Mark, Panel, Title } from '@flexder/runtime/page/parts.tsx';
import { type Column, Table } from '@flexder/runtime/page/table.tsx';
import type { OnboardingView, SearchView } from '../src/view/onboarding.ts';
import type { Overview } from '../src/view/routes.ts';
import { standingOf } from './derive.ts';

export function Network({ state }: { readonly state: Overview }) {
  const { onboarding, clocks } = state;
  const standing = standingOf(onboarding, clocks.wallMs);
  return (
    <>
      <Title>Network</Title>
      <Panel id="standing" title="Where we stand" note="wall time">
        <p role="status">
          <Mark level={standing.level}>{standing.text}</Mark>
        </p>
        <Entry of={onboarding} />
      </Panel>
      <Panel id="searches" title="Asked of us, newest first" note="searches we answered, and messages we refused">
        <Table
          label="Searches and refusals"
          columns={COLUMNS}
          rows={onboarding.searches}
          keyOf={({ at, from, feederId, code }) => `${at} ${from} ${feederId} ${code}`}
          empty="Nobody has asked yet: a DSO that looks for relief finds us by the registry."
        />
      </Panel>
    </>
  );
}

function Entry({ of }: { readonly of: OnboardingView }) {
  const { entry, lastChallenge } = of;
  const challenge =
    lastChallenge === null
      ? 'none since this process began'
      : `${lastChallenge.answered ? 'answered' : `refused: ${lastChallenge.refusal}`}, ${dateTime(lastChallenge.atMs)}`;
  return (
    <Facts
      of={[
        ['Subscriber', of.subscriberId],
        ['Address', of.url],
        ['Registry', `${of.registryUrl}${of.registryAnswers ? '' : ', does not answer'}`],
        ['Its entry of us', entry?.status.toLowerCase() ?? '–'],
        ['Key', entry ? `${entry.keyId}${entry.keyIsOurs ? '' : ', not ours'}` : '–'],
        ['Valid from', entry ? dateTime(entry.validFromMs) : '–'],
        ['Valid until', entry ? dateTime(entry.validUntilMs) : '–'],
        ['Last challenge', challenge],
      ]}
    />
  );
}

const COLUMNS: readonly Column<SearchView>[] = [
  { head: 'At', cell: ({ at }) => <span class="number">{timeOfDay(Date.parse(at))}</span> },
  { head: 'Message', cell: ({ action }) => action ?? '–' },
  { head: 'From', cell: ({ from }) => from ?? 'not proven' },
  { head: 'Feeder', cell: ({ feederId }) => feederId ?? '–' },
  { head: 'Asked kW', number: true, cell: ({ requestedKw }) => kw(requestedKw) },
  {
    head: 'Answer',
    cell: ({ code }) => (code === null ? 'answered' : <Mark level="watch">refused: {code}</Mark>),
  },
  { head: 'What and why', cell: ({ decision }) => <span class="wrap">{decision}</span> },
];
