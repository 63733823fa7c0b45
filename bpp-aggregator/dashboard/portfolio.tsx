/** The devices by feeder and type, and one feeder's one by one. */
import { leftOutReasonText } from '@flexder/protocol/flexibility/left-out.ts';
import { to } from '@flexder/runtime/page/address.ts';
import { kw, percent, timeOfDay } from '@flexder/runtime/page/format.ts';
import { Mark, Panel, Reading, Title } from '@flexder/runtime/page/parts.tsx';
import { type Column, Table } from '@flexder/runtime/page/table.tsx';
import type { DeviceView, HoldingView } from '../src/view/portfolio.ts';
import type { Overview } from '../src/view/routes.ts';
import { sumOf, whyNot } from './derive.ts';
import { useDetail } from './store.ts';

export function Portfolio({ state }: { readonly state: Overview }) {
  return (
    <>
      <Title>Portfolio</Title>
      <Panel
        id="holdings"
        title="By feeder and type"
        note="what could serve the next half hour, and why others could not"
      >
        <HoldingTable holdings={state.holdings} by="feeder" />
      </Panel>
    </>
  );
}

/** Added up over all feeders. */
export function typesOf(holdings: readonly HoldingView[]): HoldingView[] {
  const types = [...new Set(holdings.map(({ type }) => type))].sort();
  return types.map((type) => {
    const of = holdings.filter((holding) => holding.type === type);
    const excluded: Record<string, number> = {};
    for (const holding of of)
      for (const [reason, count] of Object.entries(holding.excluded))
        excluded[reason] = (excluded[reason] ?? 0) + count;
    return { feederId: '', type, ...sumOf(of), excluded };
  });
}

export function HoldingTable({
  holdings,
  by,
}: {
  readonly holdings: readonly HoldingView[];
  readonly by: 'feeder' | 'type';
}) {
  return (
    <Table
      label="Devices"
      columns={by === 'feeder' ? [FEEDER, ...COLUMNS] : COLUMNS}
      rows={holdings}
      keyOf={({ feederId, type }) => `${feederId}/${type}`}
      empty="No device is in the portfolio: enrol some, or set FLEXDER_BPP_PORTFOLIO_FILE."
    />
  );
}

const FEEDER: Column<HoldingView> = {
  head: 'Feeder',
  cell: ({ feederId }) => <a href={to('portfolio', feederId)}>{feederId}</a>,
};
const COLUMNS: readonly Column<HoldingView>[] = [
  { head: 'Type', cell: ({ type }) => type },
  { head: 'Devices', number: true, cell: ({ devices }) => devices },
  {
    head: 'Online',
    number: true,
    cell: ({ devices, online }) => <Mark level={online < devices ? 'watch' : 'normal'}>{online}</Mark>,
  },
  { head: 'Drawn kW', number: true, cell: ({ powerKw }) => kw(powerKw) },
  { head: 'Offered', number: true, cell: ({ available }) => available },
  { head: 'Offered kW', number: true, cell: ({ availableKw }) => kw(availableKw) },
  {
    head: 'Share',
    cell: ({ devices, available }) => (
      <svg class="bar share" height="12" role="img" aria-label={`${percent(available / devices)} can be offered`}>
        <rect class="bar-ground" x="0" y="2" width="100%" height="8" />
        <rect class="bar-load" x="0" y="2" width={percent(available / devices, 1).replace(' ', '')} height="8" />
      </svg>
    ),
  },
  { head: 'Not offered', cell: ({ excluded }) => <span class="wrap">{whyNot(excluded) || '–'}</span> },
];

export function FeederScreen({ id }: { readonly id: string }) {
  const read = useDetail<{ readonly devices: readonly DeviceView[] }>(`/api/v1/view/feeders/${encodeURIComponent(id)}`);
  return (
    <>
      <Title>Devices on {id}</Title>
      <Panel id="devices" title="Each as it is now" note="kW, import positive">
        <Reading of={read}>
          {({ devices }) => (
            <Table
              label="Devices"
              columns={DEVICE_COLUMNS}
              rows={devices}
              keyOf={({ derId }) => derId}
              empty="No device hangs on this feeder."
            />
          )}
        </Reading>
      </Panel>
    </>
  );
}

const DEVICE_COLUMNS: readonly Column<DeviceView>[] = [
  { head: 'Device', cell: ({ derId }) => derId },
  { head: 'Type', cell: ({ type }) => type },
  {
    head: 'Link',
    cell: ({ online }) => (online ? 'online' : <Mark level="watch">offline</Mark>),
  },
  {
    head: 'Last reading',
    cell: ({ readAt }) => <span class="number">{readAt === null ? 'never' : timeOfDay(Date.parse(readAt))}</span>,
  },
  { head: 'Drawn kW', number: true, cell: ({ powerKw, readAt }) => (readAt === null ? '–' : kw(powerKw)) },
  { head: 'Can shed kW', number: true, cell: ({ shedKw, readAt }) => (readAt === null ? '–' : kw(shedKw)) },
  { head: 'Answers well', number: true, cell: ({ reliability }) => percent(reliability) },
  {
    head: 'Not offered because',
    cell: ({ excluded }) => (excluded === null ? 'offered' : leftOutReasonText(excluded)),
  },
];
