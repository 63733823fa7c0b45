/** What could be bought now, by feeder and type, from the catalogues that came last. */
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
  {
    head: 'Heard',
    cell: ({ heardMs }) => {
      const ageMs = wallMs.value - heardMs;
      return (
        <span class="number">
          <Mark level={ageMs > OLD_MS ? 'watch' : 'normal'}>{`${duration(ageMs)} ago`}</Mark>
        </span>
      );
    },
  },
];

const isShort = ({ kw: all, lastNeedKw }: Line): boolean => lastNeedKw !== null && all < lastNeedKw;

/** `version`: read again when it changes. */
export function AvailabilityPanel({ feeder, version }: { readonly feeder: string; readonly version: unknown }) {
  const only = feeder === '' ? '' : `?feeder_id=${encodeURIComponent(feeder)}`;
  const read = useRead<Availability>(`/api/v1/availability${only}`, version);
  return (
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
