/** Where on the network it is, what hangs on it, and what is the matter there. Needs nothing but the DSO's own data. */
import { to } from '@flexder/runtime/page/address.ts';
import { kw, percent, plural } from '@flexder/runtime/page/format.ts';
import { Mark, Note, Panel, Reading, Title } from '@flexder/runtime/page/parts.tsx';
import { type Column, Table } from '@flexder/runtime/page/table.tsx';
import { useMemo, useState } from 'preact/hooks';
import type { NetworkFeederView, NetworkView } from '../../src/operator-api/network.ts';
import { Chart } from '../map/chart.tsx';
import { MapFacts, MapKey } from '../map/facts.tsx';
import { geographic, hasPlaces, type Layout, schematic } from '../map/layout.ts';
import { rankOf, type Sign, signOf } from '../map/marks.ts';
import { type Tree, type TreeNode, treeOf } from '../map/tree.ts';
import { headroomOf } from '../state/derive.ts';
import type { Live } from '../state/model.ts';
import { useRead } from '../state/read.ts';
import { gridMs } from '../state/store.ts';

export function MapScreen({ state }: { readonly state: Live }) {
  const read = useRead<{ network: NetworkView | null }>('/api/v1/network');
  return (
    <>
      <Title>Map</Title>
      <Reading of={read}>{({ network }) => <Drawn state={state} network={network} />}</Reading>
    </>
  );
}

function Drawn({ state, network }: { readonly state: Live; readonly network: NetworkView | null }) {
  const ids = [...state.feeders.keys()].join(' ');
  const tree = useMemo(() => treeOf(network, [...state.feeders.values()]), [network, ids]);
  const [diagram, setDiagram] = useState(!hasPlaces(tree));
  const layout = useMemo(() => (diagram ? schematic(tree) : geographic(tree)), [tree, diagram]);
  const models = useMemo(() => new Map((network?.feeders ?? []).map((one) => [one.feederId, one])), [network]);
  const ders = useMemo(() => new Map([...models].map(([id, model]) => [id, model.ders])), [models]);
  const [selected, setSelected] = useState<string>();
  const open = state.overloads.filter((event) => event.state !== 'RELEASED');
  const events = new Set(open.map(({ feederId }) => feederId));
  const lines = tree.nodes.filter(({ kind }) => kind === 'feeder');
  const signs = new Map(lines.map(({ id }) => [id, signOf(state.feeders.get(id), gridMs.value)]));
  const rank = ({ id }: TreeNode) => rankOf(signs.get(id)!, events.has(id));
  const byNeed = lines.toSorted((a, b) => rank(a) - rank(b));
  const chosen = lines.find(({ id }) => id === selected);
  const parent = tree.nodes.find(({ id }) => id === chosen?.parentId);
  const feeders = state.feeders;
  return (
    <>
      <div class="map-pair">
        <Panel id="map" title={titleOf(layout)} note={noteOf(layout, network)}>
          <Chart
            {...{ layout, feeders, signs, ders, events, selected, choose: setSelected, order: byNeed }}
            toggle={hasPlaces(tree) ? () => setDiagram(!diagram) : undefined}
          />
          <MapKey />
        </Panel>
        <Panel id="map-facts" title="Feeder">
          <p class="hidden" role="status">
            {chosen && `${chosen.name}: ${signs.get(chosen.id)!.words}`}
          </p>
          {chosen ? (
            <MapFacts
              {...{ name: chosen.name, feeder: feeders.get(chosen.id), sign: signs.get(chosen.id)! }}
              {...{ model: models.get(chosen.id), fedBy: parent?.name, gridMs: gridMs.value }}
              events={open.filter(({ feederId }) => feederId === chosen.id)}
            />
          ) : (
            <p class="empty">Choose one: by pointer, with n and p on the map, or in the table below.</p>
          )}
        </Panel>
      </div>
      <Panel id="map-table" title="The same as a table" note="those that need a look first">
        <Table
          label="Feeders of the map"
          columns={columnsOf(state, tree, signs, events, models, setSelected)}
          rows={byNeed}
          keyOf={({ id }) => id}
          empty="No feeder is configured."
        />
      </Panel>
    </>
  );
}

const titleOf = ({ kind }: Layout): string =>
  kind === 'geographic' ? 'Geographic: by coordinates' : 'Schematic: a single-line diagram, not to scale';

function noteOf({ kind, unplaced }: Layout, network: NetworkView | null): string {
  if (!network) return 'this DSO has no network model: feeders alone';
  const missing = unplaced === 0 ? '' : `; ${plural(unplaced, 'feeder')} without coordinates in the table alone`;
  return kind === 'geographic'
    ? `${network.name}; WGS 84, lines say what feeds what and are no routes${missing}`
    : network.name;
}

function columnsOf(
  { feeders }: Live,
  { nodes }: Tree,
  signs: ReadonlyMap<string, Sign>,
  events: ReadonlySet<string>,
  models: ReadonlyMap<string, NetworkFeederView>,
  choose: (id: string) => void,
): readonly Column<TreeNode>[] {
  const names = new Map(nodes.map(({ id, name }) => [id, name]));
  const load = (id: string) => {
    const headroom = feeders.has(id) ? headroomOf(feeders.get(id)!) : null;
    return headroom === null ? '–' : percent(1 - headroom);
  };
  return [
    { head: 'Feeder', cell: ({ id, name }) => (feeders.has(id) ? <a href={to('feeders', id)}>{name}</a> : name) },
    { head: 'Fed by', cell: ({ parentId }) => (parentId === undefined ? '–' : (names.get(parentId) ?? parentId)) },
    { head: 'State', cell: ({ id }) => <Mark level={signs.get(id)!.level}>{signs.get(id)!.words}</Mark> },
    { head: 'Load, kW', number: true, cell: ({ id }) => kw(feeders.get(id)?.powerKw) },
    { head: 'Limit, kW', number: true, cell: ({ id }) => kw(feeders.get(id)?.limitKw) },
    { head: 'Of limit', number: true, cell: ({ id }) => load(id) },
    { head: 'Event', cell: ({ id }) => (events.has(id) ? 'open' : <Note>none</Note>) },
    { head: 'DERs', number: true, cell: ({ id }) => models.get(id)?.ders.count ?? '–' },
    { head: 'Rated kW', number: true, cell: ({ id }) => kw(models.get(id)?.ders.ratedKw) },
    {
      head: 'On the map',
      cell: ({ id, name }) => (
        <button type="button" aria-label={`Choose ${name}`} onClick={() => choose(id)}>
          Choose
        </button>
      ),
    },
  ];
}
