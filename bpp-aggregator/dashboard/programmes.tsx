/** What consumers may take part in, and which devices do. */
import { to } from '@flexder/runtime/page/address.ts';
import { duration, percent, pounds } from '@flexder/runtime/page/format.ts';
import { Facts, Panel, Reading, Title } from '@flexder/runtime/page/parts.tsx';
import { type Column, Table } from '@flexder/runtime/page/table.tsx';
import type { ProgrammeView, SubscriptionsView, SubscriptionView } from '../src/view/programmes.ts';
import { useDetail } from './store.ts';

const PATH = '/api/v1/view/programmes';
type Read = { readonly programmes: readonly ProgrammeView[] };

export function Programmes() {
  const read = useDetail<Read>(PATH);
  return (
    <>
      <Title>Programmes</Title>
      <Panel
        id="programmes"
        title="What consumers may take part in"
        note="published; other terms are another programme"
      >
        <Reading of={read}>
          {({ programmes }) => (
            <Table
              label="Programmes"
              columns={COLUMNS}
              rows={programmes}
              keyOf={({ programmeId }) => programmeId}
              empty="No programme is published, so no device can be offered: import some, or set FLEXDER_BPP_ENROLMENT_FILE."
            />
          )}
        </Reading>
      </Panel>
    </>
  );
}

const COLUMNS: readonly Column<ProgrammeView>[] = [
  {
    head: 'Programme',
    cell: ({ programmeId, title }) => <a href={to('programmes', programmeId)}>{title}</a>,
  },
  { head: 'Devices', number: true, cell: ({ devices }) => devices },
  { head: 'Consumers', number: true, cell: ({ consumers }) => consumers },
  { head: 'Types', cell: ({ deviceTypes }) => <span class="wrap">{deviceTypes.join(', ')}</span> },
  { head: 'A consumer earns', cell: ({ reward }) => rewardOf(reward) },
  { head: 'Notice', number: true, cell: ({ minimumNoticeSeconds }) => noticeOf(minimumNoticeSeconds) },
  { head: 'Events a day', number: true, cell: ({ maxEventsPerDay }) => maxEventsPerDay },
];

const noticeOf = (seconds: number) => (seconds === 0 ? 'none' : duration(seconds * 1_000));

function rewardOf(reward: ProgrammeView['reward']): string {
  return reward.kind === 'share'
    ? `${percent(Number(reward.share), 1)} of what the DSO pays`
    : `${pounds(reward.gbpPerKwh)} a kWh`;
}

export function ProgrammeScreen({ id }: { readonly id: string }) {
  const { data } = useDetail<Read>(PATH);
  const read = useDetail<SubscriptionsView>(`${PATH}/${encodeURIComponent(id)}`);
  const programme = data?.programmes.find(({ programmeId }) => programmeId === id);
  return (
    <>
      <Title>Programme {programme?.title ?? id}</Title>
      {programme && <Terms of={programme} />}
      <Panel id="subscriptions" title="Devices that take part" note="by their id">
        <Reading of={read}>
          {({ subscriptions, inAll }) => (
            <>
              {inAll > subscriptions.length && (
                <p class="note">
                  The first {subscriptions.length} of {inAll}; the API of enrolment has each by its id.
                </p>
              )}
              <Table
                label="Subscriptions"
                columns={DEVICES}
                rows={subscriptions}
                keyOf={({ derId }) => derId}
                empty="No device takes part."
              />
            </>
          )}
        </Reading>
      </Panel>
    </>
  );
}

function Terms({ of }: { readonly of: ProgrammeView }) {
  return (
    <Panel id="terms" title="What a consumer agrees to">
      <p>{of.terms}</p>
      <Facts
        of={[
          ['Programme', of.programmeId],
          ['Types of device', of.deviceTypes.join(', ')],
          ['A consumer earns', rewardOf(of.reward)],
          ['Least notice', noticeOf(of.minimumNoticeSeconds)],
          ['Most events a day', String(of.maxEventsPerDay)],
        ]}
      />
    </Panel>
  );
}

const DEVICES: readonly Column<SubscriptionView>[] = [
  { head: 'Device', cell: ({ derId }) => derId },
  { head: 'Type', cell: ({ type }) => type },
  { head: 'Feeder', cell: ({ feederId }) => <a href={to('portfolio', feederId)}>{feederId}</a> },
  { head: 'Consumer', cell: ({ consumerId }) => consumerId ?? '–' },
];
