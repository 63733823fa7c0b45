/** The drawing of the network: lines, places and feeders, as far as they are in sight. */
import { useMemo } from 'preact/hooks';
import type { FeederView } from '../../src/operator-api/deps.ts';
import type { NetworkFeederView } from '../../src/operator-api/network.ts';
import { FeederMark } from './feeder-mark.tsx';
import { onScreen, type Point, type Size, scaleBar, type View } from './geo.ts';
import type { Layout, Line, Spot } from './layout.ts';
import { named, rankOf, type Sign } from './marks.ts';

export interface PictureProps {
  readonly layout: Layout;
  readonly size: Size;
  readonly view: View;
  readonly feeders: ReadonlyMap<string, FeederView>;
  readonly signs: ReadonlyMap<string, Sign>;
  readonly ders: ReadonlyMap<string, NetworkFeederView['ders']>;
  /** Feeders with an open event. */
  readonly events: ReadonlySet<string>;
  readonly selected: string | undefined;
}

/** Beyond the edge this much is drawn, so that nothing jumps into sight. */
const MARGIN_PX = 160;
const BAR_PX = 120;
/** Feeders in sight from which on those that need no look are dots. */
const MANY = 120;
/** Behind what is abnormal, before what is not. */
const PLACE_RANK = 3;

type Seen = Spot & { readonly at: Point };

export function Picture(props: PictureProps) {
  const { layout, size, view } = props;
  const seen = inSight(layout.spots, view, size);
  const feeders = seen.filter(({ node }) => node.kind === 'feeder');
  const places = seen.filter(({ node }) => node.kind !== 'feeder');
  const withNames = namesOf(seen, props);
  // Of very many those that need a look stand out, and stand on top.
  const isSmall = (id: string) =>
    feeders.length > MANY && props.signs.get(id)!.letter === '' && !withNames.has(id) && !props.events.has(id);
  feeders.sort((a, b) => Number(isSmall(b.node.id)) - Number(isSmall(a.node.id)));
  const { scale } = view;
  const origin = onScreen({ x: 0, y: 0 }, view, size);
  // What only moves is moved as a whole: lines and marks stand by the scale alone.
  const lines = useMemo(
    () => layout.lines.map((line) => <Feed key={line.key} {...{ line, kind: layout.kind, scale }} />),
    [layout, scale],
  );
  return (
    <svg class="map-picture" width={size.width} height={size.height} aria-hidden="true">
      <g class={feeders.length > MANY ? 'map-many' : undefined} transform={moveTo(origin)}>
        {lines}
        {places.map(({ node, x, y }) => (
          <g key={node.id} class={`map-place ${node.kind}`} transform={moveTo({ x: x * scale, y: y * scale })}>
            <rect x="-9" y="-9" width="18" height="18" />
            {withNames.has(node.id) && (
              <text class="map-name" x="14" y="4">
                {node.kind === 'gsp' ? 'GSP ' : ''}
                {node.name}
              </text>
            )}
          </g>
        ))}
        {feeders.map(({ node: { id, name }, x, y }) => (
          <FeederMark
            key={id}
            {...{ x: x * scale, y: y * scale, name, feeder: props.feeders.get(id), sign: props.signs.get(id)! }}
            {...{ ders: props.ders.get(id), hasEvent: props.events.has(id) }}
            {...{ selected: props.selected === id, named: withNames.has(id), small: isSmall(id) }}
          />
        ))}
      </g>
      {layout.kind === 'geographic' && <Orientation view={view} size={size} />}
    </svg>
  );
}

const moveTo = ({ x, y }: Point): string => `translate(${x.toFixed(1)} ${y.toFixed(1)})`;

export function inSight(spots: readonly Spot[], view: View, size: Size): Seen[] {
  return spots.flatMap((spot) => {
    const at = onScreen(spot, view, size);
    const outside =
      at.x < -MARGIN_PX || at.y < -MARGIN_PX || at.x > size.width + MARGIN_PX || at.y > size.height + MARGIN_PX;
    return outside ? [] : [{ ...spot, at }];
  });
}

/** What was chosen and what needs a look is named first, then what stands above feeders. */
function namesOf(seen: readonly Seen[], { signs, events, selected }: PictureProps): ReadonlySet<string> {
  const rank = ({ node: { id, kind } }: Seen) => {
    if (id === selected) return -1;
    return kind === 'feeder' ? rankOf(signs.get(id)!, events.has(id)) : PLACE_RANK;
  };
  const sorted = seen.map((spot) => {
    const own = rank(spot);
    return { id: spot.node.id, ...spot.at, rank: own, needed: own < PLACE_RANK };
  });
  return named(sorted.sort((a, b) => a.rank - b.rank));
}

/** Where a busbar stands between what feeds and what is fed: behind the name of the first. */
const BUSBAR = 0.75;

interface FeedProps {
  readonly line: Line;
  readonly kind: Layout['kind'];
  readonly scale: number;
}

function Feed({ line: { from, to, second }, kind, scale }: FeedProps) {
  const at = (value: number) => (value * scale).toFixed(1);
  // A busbar and what leaves it, in a diagram; on a map a straight line is what feeds what, and no route.
  const path =
    kind === 'schematic'
      ? `M${at(from.x)} ${at(from.y)}H${at(from.x + (to.x - from.x) * BUSBAR)}V${at(to.y)}H${at(to.x)}`
      : `M${at(from.x)} ${at(from.y)}L${at(to.x)} ${at(to.y)}`;
  return <path class={second ? 'map-feed second' : 'map-feed'} d={path} />;
}

function Orientation({ view, size }: { readonly view: View; readonly size: Size }) {
  const { km, px } = scaleBar(view.scale, BAR_PX);
  const y = size.height - 14;
  return (
    <g class="map-orientation">
      <path d={`M14 ${y - 6}V${y}H${(14 + px).toFixed(1)}V${y - 6}`} />
      <text x={22 + px} y={y}>
        {km < 1 ? `${km * 1_000} m` : `${km} km`}
      </text>
      <path
        class="map-north"
        d={`M${size.width - 22} 36L${size.width - 16} 14L${size.width - 10} 36L${size.width - 16} 31Z`}
      />
      <text x={size.width - 21} y="50">
        N
      </text>
    </g>
  );
}
