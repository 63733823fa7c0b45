/** Where each part of the network is drawn: by its coordinates, or as a single-line diagram. Pure. */
import { groupBy } from '../../src/network-model/group.ts';
import { type Bounds, boundsOf, type LatLon, type Point, projection, type Zoom } from './geo.ts';
import type { Feed, Tree, TreeNode } from './tree.ts';

export interface Spot extends Point {
  readonly node: TreeNode;
}

export interface Line {
  readonly from: Point;
  readonly to: Point;
  readonly key: string;
  readonly second: boolean;
}

export interface Layout {
  readonly kind: 'geographic' | 'schematic';
  readonly spots: readonly Spot[];
  readonly lines: readonly Line[];
  /** Feeders that have no place on it. */
  readonly unplaced: number;
  readonly bounds: Bounds;
  /** px per unit: km of a geographic layout, rows of a schematic one. */
  readonly zoom: Zoom;
}

/** A street fills the screen; a country does. */
const KM_ZOOM: Zoom = { least: 1, most: 2_000 };
/** A row has room for a mark and a name of two lines. */
const ROW_ZOOM: Zoom = { least: 38, most: 76 };
/** From one column to the next, rows: a name fits between. */
const COLUMN_ROWS = 7;
/** No identifier. */
const TOP = '';

export function hasPlaces({ nodes }: Tree): boolean {
  return nodes.some(({ kind, position }) => kind === 'feeder' && position !== null);
}

export function geographic(tree: Tree): Layout {
  const project = projection(tree.nodes.flatMap(({ position }) => position ?? []));
  const spots = tree.nodes.flatMap((node) =>
    node.position === null ? [] : [{ node, ...project(node.position as LatLon) }],
  );
  return {
    kind: 'geographic',
    ...drawn(tree, spots),
    unplaced: tree.nodes.filter(({ kind, position }) => kind === 'feeder' && position === null).length,
    zoom: KM_ZOOM,
  };
}

/** From left to right: what feeds, what is fed; each that feeds nothing has a row of its own. */
export function schematic(tree: Tree): Layout {
  const ids = new Set(tree.nodes.map(({ id }) => id));
  const parentOf = ({ parentId }: TreeNode) => (parentId !== undefined && ids.has(parentId) ? parentId : TOP);
  const children = groupBy(tree.nodes, parentOf);
  const spots: Spot[] = [];
  let rows = 0;
  const place = (node: TreeNode, column: number): number => {
    const own = Math.max(column, node.kind === 'gsp' ? 0 : node.kind === 'substation' ? 1 : 2);
    const below = (children.get(node.id) ?? []).map((child) => place(child, own + 1));
    const y = below.length === 0 ? rows++ : (Math.min(...below) + Math.max(...below)) / 2;
    spots.push({ node, x: own * COLUMN_ROWS, y });
    return y;
  };
  for (const top of children.get(TOP) ?? []) place(top, 0);
  return { kind: 'schematic', ...drawn(tree, spots), unplaced: 0, zoom: ROW_ZOOM };
}

/** A feed from what is not drawn comes from the next above it that is. */
function drawn({ nodes, feeds }: Tree, spots: readonly Spot[]): Pick<Layout, 'spots' | 'lines' | 'bounds'> {
  const at = new Map(spots.map((spot) => [spot.node.id, spot]));
  const parents = new Map(nodes.map(({ id, parentId }) => [id, parentId]));
  const source = (id: string): Spot | undefined => {
    let above: string | undefined = id;
    for (let steps = 0; above !== undefined && steps <= nodes.length; steps++) {
      const spot = at.get(above);
      if (spot) return spot;
      above = parents.get(above);
    }
    return undefined;
  };
  const line = ({ fromId, toId, second }: Feed): Line[] => {
    const [from, to] = [source(fromId), at.get(toId)];
    return from && to && from !== to ? [{ from, to, second, key: `${fromId} ${toId}` }] : [];
  };
  return { spots, lines: feeds.flatMap(line), bounds: boundsOf(spots) };
}
