/** What could be bought now, by feeder and type, from the catalogues that came last. */
import { isForConsent, leftOutCountText } from '@flexder/protocol/flexibility/left-out.ts';
import { to } from '@flexder/runtime/page/address.ts';
import { duration, kw, plural } from '@flexder/runtime/page/format.ts';
import { Mark, Panel, Reading } from '@flexder/runtime/page/parts.tsx';
import { type Column, Table } from '@flexder/runtime/page/table.tsx';
import type { Availability } from '../../src/operator-api/ders/routes.ts';
import { useRead } from '../state/read.ts';
import { wallMs } from '../state/store.ts';
import { TYPE_NAMES } from './der-table.tsx';

interface Line {
  readonly feederId: string;
  readonly kwOf: Readonly<Record<string, number>>;
  readonly kw: number;
  readonly aggregators: readonly string[];
  /** Of the oldest catalogue that counts; wall time. */
  readonly heardMs: number;
  readonly lastNeedKw: number | null;
}

/** A catalogue older than this says little of what is there now. */
const OLD_MS = 3_600_000;

const COLUMNS: readonly Column<Line>[] = [
  { head: 'Feeder', cell: ({ feederId }) => <a href={to('feeders', feederId)}>{feederId}</a> },
  ...Object.entries(TYPE_NAMES).map(
    ([type, name]): Column<Line> => ({
      ...{ head: `${name} kW`, number: true },
      cell: ({ kwOf }) => kw(kwOf[type]),
    }),
  ),
  {
    head: 'Together kW',
    number: true,
    cell: (line) => <Mark level={isShort(line) ? 'watch' : 'normal'}>{kw(line.kw)}</Mark>,
  },
  { head: 'Last need kW', number: true, cell: ({ lastNeedKw }) => kw(lastNeedKw) },
  {
    head: 'From',
    cell: ({ aggregators }) => <span title={aggregators.join(', ')}>{plural(aggregators.length, 'aggregator')}</span>,
  },
  { head: 'Heard', cell: ({ heardMs }) => <Age heardMs={heardMs} /> },
];

function Age({ heardMs }: { readonly heardMs: number }) {
  const ageMs = wallMs.value - heardMs;
  return (
    <span class="number">
      <Mark level={ageMs > OLD_MS ? 'watch' : 'normal'}>{`${duration(ageMs)} ago`}</Mark>
    </span>
  );
}

type LeftOutLine = Availability['leftOut'][number];

const devicesOf = (reasons: LeftOutLine['reasons']) => reasons.reduce((sum, { devices }) => sum + devices, 0);

const LEFT_OUT_COLUMNS: readonly Column<LeftOutLine>[] = [
  { head: 'Feeder', cell: ({ feederId }) => <a href={to('feeders', feederId)}>{feederId}</a> },
  { head: 'Aggregator', cell: ({ bppId }) => bppId },
  { head: 'Devices', number: true, cell: ({ reasons }) => devicesOf(reasons) },
  {
    ...{ head: 'For consent', number: true },
    cell: ({ reasons }) => devicesOf(reasons.filter(({ reason }) => isForConsent(reason))),
  },
  { head: 'Rated kW', number: true, cell: ({ reasons }) => kw(reasons.reduce((sum, { ratedKw }) => sum + ratedKw, 0)) },
  { head: 'Why', cell: ({ reasons }) => <span class="wrap">{reasons.map(leftOutCountText).join(', ')}</span> },
  { head: 'Heard', cell: ({ heardAt }) => <Age heardMs={Date.parse(heardAt)} /> },
];

const isShort = ({ kw: all, lastNeedKw }: Line): boolean => lastNeedKw !== null && all < lastNeedKw;

/** `version`: read again when it changes. */
export function AvailabilityPanel({ feeder, version }: { readonly feeder: string; readonly version: unknown }) {
  const only = feeder === '' ? '' : `?feeder_id=${encodeURIComponent(feeder)}`;
  const read = useRead<Availability>(`/api/v1/availability${only}`, version);
  return (
    <>
      <Panel id="availability" title="On offer" note="kW of reduction by the latest catalogues, which answer a search">
        <Reading of={read}>
          {(availability) => (
            <Table
              label="On offer"
              columns={COLUMNS}
              rows={linesOf(availability)}
              keyOf={({ feederId }) => feederId}
              empty="Nothing was searched for since the DSO started: aggregators tell what they have when a feeder needs it."
            />
          )}
        </Reading>
      </Panel>
      <Panel
        id="not-offered"
        title="Not offered"
        note="as aggregators told in the same catalogues; devices, and the kW they are rated for"
      >
        <Reading of={read}>
          {({ leftOut }) => (
            <Table
              label="Not offered"
              columns={LEFT_OUT_COLUMNS}
              rows={leftOut}
              keyOf={({ feederId, bppId }) => `${feederId} ${bppId}`}
              empty="No aggregator has told of devices that it left out."
            />
          )}
        </Reading>
      </Panel>
    </>
  );
}

function linesOf({ offers, lastNeeds }: Availability): readonly Line[] {
  const needOf = new Map(lastNeeds.map(({ feederId, kw: needed }) => [feederId, needed]));
  const lines = new Map<string, Line>();
  for (const { feederId, deviceType, bppId, kw: offered, heardAt } of offers) {
    const before = lines.get(feederId);
    const kwOf = { ...before?.kwOf, [deviceType]: (before?.kwOf[deviceType] ?? 0) + offered };
    lines.set(feederId, {
      ...{ feederId, kwOf, kw: (before?.kw ?? 0) + offered, lastNeedKw: needOf.get(feederId) ?? null },
      aggregators: [...new Set([...(before?.aggregators ?? []), bppId])],
      heardMs: Math.min(before?.heardMs ?? Number.POSITIVE_INFINITY, Date.parse(heardAt)),
    });
  }
  return [...lines.values()];
}
