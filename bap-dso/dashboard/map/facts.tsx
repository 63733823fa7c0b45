/** What is known of the feeder that was chosen on the map, and what the signs mean. */
import { to } from '@flexder/runtime/page/address.ts';
import { duration, kw, percent, time } from '@flexder/runtime/page/format.ts';
import { Facts, Mark, Note } from '@flexder/runtime/page/parts.tsx';
import { type Column, Table } from '@flexder/runtime/page/table.tsx';
import type { FeederView } from '../../src/operator-api/deps.ts';
import type { OverloadView } from '../../src/operator-api/events/overloads.ts';
import type { DerSum, NetworkFeederView } from '../../src/operator-api/network.ts';
import { headroomOf, timeToLimitMs } from '../state/derive.ts';
import { EventLine } from '../ui/event-line.tsx';
import { Quality } from '../ui/feeder-row.tsx';
import type { Sign } from './marks.ts';

const TYPES: Readonly<Record<string, string>> = {
  ...{ battery: 'Batteries', 'ev-charger': 'EV chargers', 'heat-pump': 'Heat pumps', unknown: 'Type not told' },
};

const DERS: readonly Column<DerSum>[] = [
  {
    head: 'DERs behind it',
    cell: ({ type }) => (
      <>
        <svg class="map-key" width="14" height="8" aria-hidden="true">
          <rect class={`map-der ${type}`} width="14" height="8" />
        </svg>{' '}
        {TYPES[type] ?? type}
      </>
    ),
  },
  { head: 'Count', number: true, cell: ({ count }) => count.toLocaleString('en-GB') },
  { head: 'Rated kW', number: true, cell: ({ ratedKw }) => kw(ratedKw) },
];

export interface MapFactsProps {
  readonly name: string;
  readonly feeder: FeederView | undefined;
  readonly sign: Sign;
  readonly model: NetworkFeederView | undefined;
  readonly fedBy: string | undefined;
  readonly events: readonly OverloadView[];
  readonly gridMs: number;
}

export function MapFacts({ name, feeder, sign, model, fedBy, events, gridMs }: MapFactsProps) {
  const headroom = feeder ? headroomOf(feeder) : null;
  const toLimitMs = feeder ? timeToLimitMs(feeder, gridMs) : null;
  return (
    <>
      <h3>{feeder ? <a href={to('feeders', feeder.feederId)}>{name}</a> : name}</h3>
      <Facts
        of={[
          [
            'State',
            <Mark key="state" level={sign.level}>
              {sign.words}
            </Mark>,
          ],
          ['Load', `${kw(feeder?.powerKw)} of ${kw(feeder?.limitKw)} kW`],
          ['Headroom', headroom === null ? '–' : percent(headroom, 1)],
          ['Time to limit', toLimitMs === null ? 'not forecast' : toLimitMs > 0 ? duration(toLimitMs) : 'over it'],
          ['Fed by', fedBy ?? 'not known'],
          ...(model ? [['Essential loads', String(model.essentialLoads.count)] as const] : []),
          ...(feeder ? [['Data', <Data key="data" feeder={feeder} gridMs={gridMs} />] as const] : []),
        ]}
      />
      {events.map((event) => (
        <EventLine key={event.eventId} event={event} />
      ))}
      {model && (
        <Table
          label="DERs by type"
          columns={DERS}
          rows={model.ders.byType}
          keyOf={({ type }) => type}
          empty="The network model names no DER behind it."
        />
      )}
    </>
  );
}

function Data({ feeder, gridMs }: { readonly feeder: FeederView; readonly gridMs: number }) {
  return (
    <>
      {feeder.at !== null && `read ${time(feeder.at)}`} <Quality feeder={feeder} gridMs={gridMs} />
    </>
  );
}

/** Signs, words, and why no home is on the map. */
export function MapKey() {
  return (
    <div class="map-legend">
      <p>
        <Mark level="over">O over its limit</Mark> <Mark level="watch">N near it, F forecast to reach it</Mark>{' '}
        <Mark level="unknown">no reading, or an old one</Mark> <span>◎ ringed: an event is open</span>
      </p>
      <p>
        <Note>
          The bar beside a feeder is its load, kW; the stroke across it is the limit; squares are GSPs (filled) and
          primaries. Names appear where there is room: zoom in for more. DERs are summed by feeder, never drawn one by
          one: where a home is stays unsaid.
        </Note>
      </p>
    </div>
  );
}
