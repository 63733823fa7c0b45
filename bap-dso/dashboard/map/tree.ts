/** What hangs on what: one tree of GSPs, primaries and feeders, with the feeds beside it. Pure. */
import type { NetworkView } from '../../src/operator-api/network.ts';
import type { LatLon } from './geo.ts';

export interface TreeNode {
  readonly id: string;
  readonly kind: 'gsp' | 'substation' | 'feeder';
  readonly name: string;
  /** What feeds it, of several the one with the largest share; undefined at the top and where it is not known. */
  readonly parentId: string | undefined;
  readonly position: LatLon | null;
}

export interface Feed {
  readonly fromId: string;
  readonly toId: string;
  /** Beside the one that feeds most of it. */
  readonly second: boolean;
}

export interface Tree {
  readonly nodes: readonly TreeNode[];
  readonly feeds: readonly Feed[];
}

/** Feeders that no network model names hang on nothing. */
export function treeOf(network: NetworkView | null, feeders: readonly { feederId: string; name: string }[]): Tree {
  const known = new Map((network?.feeders ?? []).map((one) => [one.feederId, one]));
  const main = mainFeeds(network);
  const above = abovePrimaries(network, main);
  const places = (network?.places ?? []).map((place): TreeNode => {
    const { placeId: id, kind, name, position } = place;
    return { id, kind, name, parentId: above.get(id), position };
  });
  const all = [...known.values(), ...feeders.filter(({ feederId }) => !known.has(feederId))];
  const lines = all.map(({ feederId: id, name }): TreeNode => {
    const one = known.get(id);
    return { id, kind: 'feeder', name, parentId: one?.substationId ?? main.get(id), position: one?.position ?? null };
  });
  const nodes = [...places, ...lines];
  const feeds = nodes.flatMap(({ id, parentId }) =>
    parentId === undefined ? [] : [{ fromId: parentId, toId: id, second: false }],
  );
  const seconds = (network?.links ?? [])
    .filter(({ fromId, toId }) => main.get(toId) !== fromId)
    .map(({ fromId, toId }) => ({ fromId, toId, second: true }));
  return { nodes, feeds: [...feeds, ...seconds] };
}

/** By feeder what most of its load flows through. */
function mainFeeds(network: NetworkView | null): ReadonlyMap<string, string> {
  const links = (network?.links ?? []).toSorted((a, b) => a.share - b.share);
  return new Map(links.map(({ fromId, toId }) => [toId, fromId]));
}

/** A primary hangs where most of its feeders are fed from. */
function abovePrimaries(network: NetworkView | null, main: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const votes = new Map<string, Map<string, number>>();
  for (const { feederId, substationId } of network?.feeders ?? []) {
    const from = main.get(feederId);
    if (substationId === null || from === undefined) continue;
    const of = votes.get(substationId) ?? new Map<string, number>();
    votes.set(substationId, of.set(from, (of.get(from) ?? 0) + 1));
  }
  return new Map([...votes].map(([id, of]) => [id, [...of].reduce((best, one) => (one[1] > best[1] ? one : best))[0]]));
}
